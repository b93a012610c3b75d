import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { expect } from 'expect';
import { eventually } from './eventually.js';
import { FaultProxy } from './fault-proxy.js';

describe('FaultProxy', () => {
  let echo: Server;
  let proxy: FaultProxy;
  let socket: Socket;
  let received = '';

  before(async () => {
    echo = createServer({ allowHalfOpen: true }, (client) => {
      client.on('error', () => client.destroy());
      client.pipe(client);
    });
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  });

  after(() => echo.close());

  beforeEach(async () => {
    proxy = await FaultProxy.open({ port: (echo.address() as AddressInfo).port });
    socket = connect(proxy.port, '127.0.0.1');
    received = '';
    socket.on('data', (data) => (received += data.toString()));
    await once(socket, 'connect');
  });

  afterEach(async () => {
    socket.destroy();
    await proxy.close();
  });

  const untilReceived = (text: string) => eventually(() => expect(received).toBe(text), { timeoutMs: 2_000 });

  it('passes bytes both ways, and the end of them', async () => {
    const ended = once(socket, 'end');
    socket.end('all of it');
    await ended;
    expect(received).toBe('all of it');
  });

  it('holds everything back while paused, and loses none of it', async () => {
    socket.write('a');
    await untilReceived('a');
    proxy.pause();
    socket.write('b');
    await expect(eventually(() => expect(received).toBe('ab'), { timeoutMs: 200 })).rejects.toThrow();
    proxy.continue();
    await untilReceived('ab');
  });

  it('delays each chunk', async () => {
    proxy.setDelay(100);
    const startedAt = performance.now();
    socket.write('a');
    await untilReceived('a');
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(195);
  });

  it('cuts what is open with a reset and takes new connections, unless told not to', async () => {
    const closed = once(socket, 'error');
    socket.write('a');
    await untilReceived('a');
    proxy.cut();
    await closed;
    await eventually(() => expect(proxy.connections).toBe(0), { timeoutMs: 2_000 });
    proxy.setRefusing(true);
    const refused = connect(proxy.port, '127.0.0.1');
    const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
  });
});
