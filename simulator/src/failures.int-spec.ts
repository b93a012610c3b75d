import { after, before, beforeEach, describe, it } from 'node:test';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'expect';
import type { InvoiceLine } from './domain/invoice.js';
import { startSimulator, type RunningSimulator } from './simulator.js';

interface Format {
  readonly name: string;
  readonly model: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly requestIdHeader: string;
  readonly errorShape: (type: unknown) => unknown;
  readonly errorTypes: Readonly<Record<number, string>>;
}

const openai: Format = {
  name: 'OpenAI',
  model: 'sim-openai',
  path: '/v1/chat/completions',
  headers: { authorization: 'Bearer k' },
  requestIdHeader: 'x-request-id',
  errorShape: (type) => ({ error: { message: expect.any(String), type, param: null } }),
  errorTypes: {
    400: 'invalid_request_error',
    401: 'invalid_request_error',
    429: 'requests',
    500: 'server_error',
    529: 'server_error',
  },
};
const anthropic: Format = {
  name: 'Anthropic',
  model: 'sim-anthropic',
  path: '/v1/messages',
  headers: { 'x-api-key': 'k', 'anthropic-version': '2023-06-01' },
  requestIdHeader: 'request-id',
  errorShape: (type) => ({
    type: 'error',
    error: { type, message: expect.any(String) },
    request_id: expect.stringMatching(/^req_/),
  }),
  errorTypes: {
    400: 'invalid_request_error',
    401: 'authentication_error',
    429: 'rate_limit_error',
    500: 'api_error',
    529: 'overloaded_error',
  },
};

for (const format of [openai, anthropic]) {
  describe(`failures as ${format.name} shows them`, () => {
    let simulator: RunningSimulator;

    before(async () => {
      simulator = await startSimulator({ host: '127.0.0.1', port: 0 });
    });
    beforeEach(() => fetch(`${simulator.url}/invoice`, { method: 'DELETE' }));
    after(() => simulator.close(1000));

    function ask(
      directive: string,
      options: { stream?: boolean; signal?: AbortSignal; attemptId?: string } = {},
    ): Promise<Response> {
      return fetch(simulator.url + format.path, {
        method: 'POST',
        headers: {
          ...format.headers,
          'content-type': 'application/json',
          'x-client-request-id': options.attemptId ?? 'attempt',
        },
        body: JSON.stringify({
          model: format.model,
          stream: options.stream ?? true,
          max_tokens: 100_000,
          messages: [{ role: 'user', content: `hello [[sim ${directive}]]` }],
        }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
    }

    async function invoice(): Promise<InvoiceLine[]> {
      const text = await (await fetch(`${simulator.url}/invoice`)).text();
      return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as InvoiceLine]));
    }

    async function stats(): Promise<{ openRequests: number; closedByClient: { attemptId: string; at: number }[] }> {
      return (await (await fetch(`${simulator.url}/stats`)).json()) as Awaited<ReturnType<typeof stats>>;
    }

    for (const [status, type] of Object.entries(format.errorTypes)) {
      it(`answers ${status} in the provider's words and bills nothing`, async () => {
        const response = await ask(`fail=${status} retryAfter=3`);
        expect(response.status).toBe(Number(status));
        expect(await response.json()).toMatchObject(format.errorShape(type) as Record<string, unknown>);
        expect(response.headers.get(format.requestIdHeader)).toMatch(/^req_/);
        expect(response.headers.get('retry-after')).toBe('3');
        expect(await invoice()).toEqual([]);
      });
    }

    it('refuses a wrong key, a missing one, and broken JSON', async () => {
      const send = (headers: Record<string, string>, body: string) =>
        fetch(simulator.url + format.path, {
          method: 'POST',
          headers: { 'anthropic-version': '2023-06-01', ...headers },
          body,
        });
      expect((await send({ authorization: 'Bearer invalid' }, '{}')).status).toBe(401);
      expect((await send({}, '{}')).status).toBe(401);
      expect((await send({ authorization: 'Bearer k' }, '{')).status).toBe(400);
      expect((await send({ authorization: 'Bearer k' }, '{"model":"x"}')).status).toBe(404);
    });

    it('explains a directive that cannot be read', async () => {
      const response = await ask('chunk=5');
      expect(response.status).toBe(400);
      expect(await response.text()).toContain("unknown option 'chunk'");
    });

    it('fails as often as it is told, then answers', async () => {
      const statuses: number[] = [];
      for (let index = 0; index < 3; index += 1) statuses.push((await ask('fail=500 failTimes=2')).status);
      expect(statuses).toEqual([500, 500, 200]);
    });

    it('leaves models alone that a directive is not for', async () => {
      expect((await ask('fail=500 only=sim-other')).status).toBe(200);
      expect((await ask(`fail=500 only=${format.model}`)).status).toBe(500);
    });

    it('resets before the head without billing', async () => {
      await expect(ask('fail=reset')).rejects.toThrow();
      expect(await invoice()).toEqual([]);
    });

    it('resets after the head with the input billed', async () => {
      const response = await ask('fail=200-then-reset');
      expect(response.status).toBe(200);
      await expect(response.text()).rejects.toThrow();
      expect(await invoice()).toMatchObject([{ completed: false, output: 0, inputUncached: expect.any(Number) }]);
    });

    it('resets after ten chunks and bills ten', async () => {
      const response = await ask('fail=reset@10 chunks=20');
      const decoder = new TextDecoder();
      let text = '';
      const read = async () => {
        for await (const bytes of response.body ?? []) text += decoder.decode(bytes as Uint8Array, { stream: true });
      };
      await expect(read()).rejects.toThrow();
      expect(text).toContain('009 ');
      expect(text).not.toContain('00a ');
      expect(await invoice()).toMatchObject([{ completed: false, output: 10, bytes: Buffer.byteLength(text) }]);
    });

    it('sends a malformed frame and ends', async () => {
      const text = await (await ask('fail=malformed@2')).text();
      expect(text.endsWith('"delta":\n\n')).toBe(true);
      expect(await invoice()).toMatchObject([{ completed: false, output: 2 }]);
    });

    it('breaks the JSON of a plain answer', async () => {
      const response = await ask('fail=malformed@2', { stream: false });
      expect(response.status).toBe(200);
      await expect(response.json()).rejects.toThrow();
      expect(await invoice()).toMatchObject([{ completed: false, output: 2 }]);
    });

    it('fails inside the stream with a typed error', async () => {
      const text = await (await ask('fail=error@2')).text();
      expect(text).toContain(format.errorTypes[529]);
      expect((await ask('fail=error@2', { stream: false })).status).toBe(500);
    });

    it('stalls until the client leaves, notices at once, and bills what was sent', async () => {
      const leave = new AbortController();
      const response = await ask('fail=stall@3', { signal: leave.signal, attemptId: 'stalled' });
      const reader = response.body?.getReader();
      let text = '';
      while (!text.includes('002 ')) text += Buffer.from((await reader?.read())?.value ?? []).toString();
      expect((await stats()).openRequests).toBe(1);
      const leftAt = Date.now();
      leave.abort();
      let seen = await stats();
      for (let tries = 0; seen.openRequests > 0 && tries < 100; tries += 1) seen = await stats();
      const departure = seen.closedByClient.find((each) => each.attemptId === 'stalled');
      expect((departure?.at ?? Infinity) - leftAt).toBeLessThanOrEqual(100);
      expect(await invoice()).toMatchObject([{ attemptId: 'stalled', completed: false, output: 3 }]);
    });

    it('says nothing at all while it stalls before the head', async () => {
      await expect(ask('fail=stall', { signal: AbortSignal.timeout(100) })).rejects.toThrow();
      expect(await invoice()).toEqual([]);
    });

    it('leaves usage out, sends it twice, or late', async () => {
      const body = { model: format.model, stream: true, stream_options: { include_usage: true }, max_tokens: 100 };
      const usages = async (usage: string): Promise<number> => {
        const messages = [{ role: 'user', content: `[[sim usage=${usage}]]` }];
        const headers = { ...format.headers, 'content-type': 'application/json' };
        const response = await fetch(simulator.url + format.path, {
          method: 'POST',
          headers,
          body: JSON.stringify({ ...body, messages }),
        });
        return (await response.text()).match(/"(?:completion|output)_tokens":[1-9]/g)?.length ?? 0;
      };
      const [normal, none, twice, late] = [
        await usages('normal'),
        await usages('none'),
        await usages('twice'),
        await usages('late'),
      ];
      expect(none).toBe(0);
      expect(twice).toBe(normal + 1);
      expect(late).toBe(format === openai ? normal : normal + 1);
    });

    it('waits as told before the first chunk and between chunks', async () => {
      const startedAt = Date.now();
      await (await ask('ttftMs=100 delayMs=20 chunks=6')).text();
      expect(Date.now() - startedAt).toBeGreaterThanOrEqual(195);
    });

    /** Asks over a bare socket, for what fetch hides. */
    function askOverSocket(directive: string, attemptId: string): Socket {
      const messages = [{ role: 'user', content: `[[sim ${directive}]]` }];
      const body = JSON.stringify({ model: format.model, stream: true, max_tokens: 99_999_999, messages });
      const headers = { ...format.headers, host: 'x', 'content-length': body.length, 'x-client-request-id': attemptId };
      const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      const socket = connect(simulator.port, '127.0.0.1').pause();
      socket.write(`POST ${format.path} HTTP/1.1\r\n${head.join('')}\r\n${body}`);
      return socket;
    }

    it('resets the connection itself, not just the answer', async () => {
      const socket = askOverSocket('fail=reset@1', 'reset').resume();
      const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
      expect(error.code).toBe('ECONNRESET');
    });

    it('holds no answer in memory that nobody reads', async () => {
      const before = process.memoryUsage().rss;
      const socket = askOverSocket('bytes=67108864', 'slow');
      let grown = 0;
      for (let tries = 0; (await stats()).openRequests === 0 && tries < 100; tries += 1);
      for (let look = 0; look < 300; look += 1) {
        expect((await stats()).openRequests).toBe(1);
        grown = Math.max(grown, process.memoryUsage().rss - before);
      }
      expect(grown).toBeLessThan(32 * 1024 * 1024);
      socket.destroy();
      let lines = await invoice();
      for (let tries = 0; lines.length === 0 && tries < 100; tries += 1) lines = await invoice();
      expect(lines).toMatchObject([{ attemptId: 'slow', completed: false }]);
      expect(lines[0]?.bytes).toBeLessThan(16 * 1024 * 1024);
    });

    for (const stream of [true, false]) {
      it(`sends 64 MiB to whoever reads them, ${stream ? 'streamed' : 'at once'}`, async () => {
        const body = { model: format.model, stream, max_tokens: 99_999_999 };
        const messages = [{ role: 'user', content: '[[sim bytes=67108864]]' }];
        const headers = { ...format.headers, 'content-type': 'application/json' };
        const response = await fetch(simulator.url + format.path, {
          method: 'POST',
          headers,
          body: JSON.stringify({ ...body, messages }),
        });
        let received = 0;
        for await (const bytes of response.body ?? []) received += (bytes as Uint8Array).byteLength;
        expect(received).toBeGreaterThan(67_108_864);
        expect(await invoice()).toMatchObject([{ completed: true, output: 16_777_216, bytes: received }]);
      });
    }
  });
}
