import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { expect } from 'expect';

const main = fileURLToPath(new URL('./main.js', import.meta.url));

interface Started {
  readonly child: ChildProcess;
  readonly port: number;
}

async function start(environment: Record<string, string> = {}): Promise<Started> {
  const child = fork(main, {
    env: { WEIR_SIMULATOR_PORT: '0', ...environment },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const [message] = (await once(child, 'message')) as [{ type: string; port: number }];
  expect(message).toEqual({ type: 'ready', port: expect.any(Number) });
  return { child, port: message.port };
}

function ask(port: number, directive: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer k', 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'sim-openai',
      stream: true,
      messages: [{ role: 'user', content: `[[sim ${directive}]]` }],
    }),
  });
}

describe('the simulator as a process', () => {
  for (const [name, stop] of [
    ['SIGTERM', (child: ChildProcess) => child.kill('SIGTERM')],
    ['the end of its IPC channel', (child: ChildProcess) => child.disconnect()],
  ] as const) {
    it(`ends well on ${name}: the open stream is finished, new connections are refused`, async () => {
      const { child, port } = await start();
      const exited = once(child, 'exit');
      const response = await ask(port, 'chunks=20 delayMs=20');
      stop(child);
      const text = await response.text();
      expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
      expect(await exited).toEqual([0, null]);
      await expect(ask(port, '')).rejects.toThrow();
    });
  }

  it('cuts what does not end in time', async () => {
    const { child, port } = await start({ WEIR_SIMULATOR_DRAIN_MS: '100' });
    const exited = once(child, 'exit');
    const response = await ask(port, 'fail=stall@1');
    child.kill('SIGTERM');
    await expect(response.text()).rejects.toThrow();
    expect(await exited).toEqual([0, null]);
  });

  it('names a taken port and a faulty setting, and exits with 1', async () => {
    const { child, port } = await start();
    for (const environment of [{ WEIR_SIMULATOR_PORT: String(port) }, { WEIR_SIMULATOR_PORT: 'many' }]) {
      const second = fork(main, { env: environment, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
      let complaint = '';
      second.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
      expect(await once(second, 'close')).toEqual([1, null]);
      expect(complaint).toContain('WEIR_SIMULATOR_PORT');
    }
    child.disconnect();
    await once(child, 'exit');
  });

  it('tells HTTP/1.1 and HTTP/2 apart, however their first bytes arrive', async () => {
    const { child, port } = await start();
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const stream = session.request({ ':path': '/healthz' });
    const [headers] = (await once(stream, 'response')) as [{ ':status': number }];
    expect(headers[':status']).toBe(200);
    session.destroy();
    for (const request of [
      'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n',
      'POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n',
    ]) {
      const socket = connect(port, '127.0.0.1').setNoDelay();
      for (const byte of request) {
        socket.write(byte);
        await fetch(`http://127.0.0.1:${port}/healthz`);
      }
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(answer.toString()).toMatch(/^HTTP\/1\.1 (?:200|404)/);
      socket.destroy();
    }
    const preface = connect(port, '127.0.0.1').setNoDelay();
    for (const byte of 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n') {
      preface.write(byte);
      await fetch(`http://127.0.0.1:${port}/healthz`);
    }
    preface.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
    const [settings] = (await once(preface, 'data')) as [Buffer];
    expect(settings[3]).toBe(4);
    preface.destroy();
    child.disconnect();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('survives request targets and bodies that make no sense', async () => {
    const { child, port } = await start();
    for (const target of ['*', '//', 'http://other/', '/%zz', '/model/%zz/converse', '/?since=%']) {
      const socket = connect(port, '127.0.0.1');
      socket.write(`POST ${target} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}`);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(answer.toString()).toMatch(/^HTTP\/1\.1 4\d\d/);
      socket.destroy();
    }
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    child.disconnect();
    await once(child, 'exit');
  });
});
