import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { eventually } from '@weir/testing';
import { createEgress, type Egress } from './egress.js';
import type { EgressError } from './egress-error.js';
import type { Resolve } from './guarded-connector.js';
import type { ResponseHandler } from './origin-dispatcher.js';

const loopback = { allowPrivate: ['127.0.0.0/8'], connectionsMax: 4, connectTimeoutMs: 500 };
const servers: (Server | TcpServer)[] = [];

async function serve(listener: RequestListener): Promise<{ url: string; port: number; server: Server }> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, server };
}

const get = (url: string, egress: Egress, policy = loopback) =>
  egress.request({ url, policy, method: 'GET', path: '/', headers: {}, body: null, timeoutMs: 2_000 });

const refusedAs = (code: string) => (error: EgressError) => {
  assert.equal(error.code, code);
  return true;
};

/** A resolver that gives each answer once, then the last for ever, and counts how often it was asked. */
function scripted(...answers: string[][]): Resolve & { asked: () => number } {
  let asked = 0;
  const resolve: Resolve = (_host, callback) => {
    const addresses = answers[Math.min(asked++, answers.length - 1)] ?? [];
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
  return Object.assign(resolve, { asked: () => asked });
}

describe('egress', () => {
  let egress: Egress;
  before(() => {
    egress = createEgress();
  });
  after(async () => {
    await egress.close();
    for (const server of servers) {
      if ('closeAllConnections' in server) server.closeAllConnections();
      server.close();
    }
  });

  it('reaches a loopback server only by an entry that covers it', async () => {
    const { url } = await serve((_, response) => response.end('yes'));
    assert.equal(Buffer.from((await get(url, egress)).body).toString(), 'yes');
    await assert.rejects(get(url, egress, { ...loopback, allowPrivate: [] }), refusedAs('address_not_allowed'));
    await assert.rejects(
      get(url, egress, { ...loopback, allowPrivate: ['10.0.0.0/8'] }),
      refusedAs('address_not_allowed'),
    );
  });

  for (const host of [
    'localhost',
    '0.0.0.0',
    '2130706433',
    '0177.0.0.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[fec0::1]',
    '100.64.0.1',
  ]) {
    it(`never connects to ${host} without an entry`, async () => {
      let connections = 0;
      const { port, server } = await serve((_, response) => response.end());
      server.on('connection', () => connections++);
      await assert.rejects(
        get(`http://${host}:${port}`, egress, { ...loopback, allowPrivate: [] }),
        refusedAs('address_not_allowed'),
      );
      assert.equal(connections, 0);
    });
  }

  it('asks the name server once a connection, and a later answer cannot rebind what was judged', async () => {
    let connections = 0;
    const { port, server } = await serve((_, response) => response.end());
    server.on('connection', () => connections++);
    // 192.0.2.1 would be refused; a public address that swallows packets shows that the second answer is never used.
    const resolve = scripted(['198.51.100.1'], ['127.0.0.1']);
    const rebinding = createEgress({ resolve });
    await assert.rejects(
      get(`http://rebind.example:${port}`, rebinding, { ...loopback, allowPrivate: ['198.51.100.0/24'] }),
    );
    assert.equal(resolve.asked(), 1);
    assert.equal(connections, 0);
    await rebinding.close();
  });

  it('refuses a host of which one address among several is forbidden', async () => {
    const mixed = createEgress({ resolve: scripted(['127.0.0.1', '169.254.169.254']) });
    const { port } = await serve((_, response) => response.end());
    await assert.rejects(get(`http://mixed.example:${port}`, mixed), refusedAs('address_not_allowed'));
    await mixed.close();
  });

  it('connects to the judged address under the name it was given', async () => {
    const { port } = await serve((request, response) => response.end(request.headers.host));
    const named = createEgress({ resolve: scripted(['127.0.0.1']) });
    const { body } = await get(`http://model.example:${port}`, named);
    assert.equal(Buffer.from(body).toString(), `model.example:${port}`);
    await named.close();
  });

  it('speaks plain http only to explicitly allowed addresses', async () => {
    const plain = createEgress({ resolve: scripted(['8.8.8.8']) });
    await assert.rejects(get('http://public.example', plain), refusedAs('insecure_scheme'));
    await plain.close();
  });

  it('follows no redirect', async () => {
    let hits = 0;
    const { url } = await serve((_, response) => {
      hits++;
      response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
    });
    assert.equal((await get(url, egress)).status, 302);
    assert.equal(hits, 1);
  });

  it('caps the size of an answer', async () => {
    const { url } = await serve((_, response) => response.end(Buffer.alloc(100_000)));
    await assert.rejects(
      get(url, egress, { ...loopback, responseBytesMax: 50_000 } as never),
      refusedAs('response_too_large'),
    );
  });

  it('caps the time of an exchange', async () => {
    const { url } = await serve(() => {});
    await assert.rejects(
      egress.request({ url, policy: loopback, method: 'GET', path: '/', headers: {}, body: null, timeoutMs: 50 }),
      refusedAs('timeout'),
    );
  });

  it('tells a refused connection, a broken one and a malformed answer apart', async () => {
    await assert.rejects(get('http://127.0.0.1:1', egress), refusedAs('unreachable'));
    const { url } = await serve((request) => request.socket.destroy());
    await assert.rejects(get(url, egress), refusedAs('reset'));
    const garbage = createTcpServer((socket) => socket.once('data', () => socket.end('this is not HTTP\r\n\r\n')));
    servers.push(garbage);
    garbage.listen(0, '127.0.0.1');
    await once(garbage, 'listening');
    const { port } = garbage.address() as AddressInfo;
    await assert.rejects(get(`http://127.0.0.1:${port}`, egress), refusedAs('malformed'));
  });

  it('refuses headers that would inject others', async () => {
    const { url } = await serve((_, response) => response.end());
    const dispatcher = egress.dispatcher(url, loopback);
    const error = await new Promise<EgressError>((resolve) =>
      dispatcher.send(
        { method: 'GET', path: '/', headers: { 'x-a': 'b\r\nx-c: d' }, body: null },
        { head() {}, data() {}, end() {}, fail: resolve },
      ),
    );
    assert.equal(error.code, 'invalid_request');
    await egress.release(dispatcher);
  });

  it('destroys the socket at once when aborted, and reads nothing while paused', async () => {
    let written = 0;
    let closedAt = 0;
    let abortedAt = 0;
    const { url } = await serve((request, response) => {
      request.socket.once('close', () => (closedAt = performance.now()));
      const write = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) written += 65_536;
        response.once('drain', write);
      };
      write();
    });
    const dispatcher = egress.dispatcher(url, loopback);
    let received = 0;
    const ended = new Promise<EgressError>((resolve) => {
      const handler: ResponseHandler = {
        head: () => exchange.pause(),
        data: (chunk) => (received += chunk.byteLength),
        end() {},
        fail: resolve,
      };
      const exchange = dispatcher.send({ method: 'POST', path: '/', headers: {}, body: Buffer.from('{}') }, handler);
      void (async () => {
        await untilStill(() => written);
        const heldBack = received;
        exchange.resume();
        await eventually(() => assert.ok(received > heldBack), { timeoutMs: 2_000, everyMs: 1 });
        exchange.pause();
        await untilStill(() => received);
        abortedAt = performance.now();
        exchange.abort();
      })();
    });
    assert.equal((await ended).code, 'aborted');
    assert.ok(written < 64 * 1024 * 1024, `a paused exchange went on reading: ${written}`);
    await eventually(() => assert.ok(closedAt > 0), { timeoutMs: 2_000, everyMs: 5 });
    assert.ok(closedAt - abortedAt < 100, `the socket was closed after ${closedAt - abortedAt} ms`);
    await egress.release(dispatcher);
  });
});

/** Waits until a growing count has been the same for 100 ms. */
async function untilStill(count: () => number): Promise<void> {
  let last = -1;
  let since = performance.now();
  await eventually(
    () => {
      if (count() !== last) {
        last = count();
        since = performance.now();
      }
      assert.ok(performance.now() - since > 100);
    },
    { timeoutMs: 10_000, everyMs: 5 },
  );
}
