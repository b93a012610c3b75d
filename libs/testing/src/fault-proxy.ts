import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface FaultProxyTarget {
  readonly host?: string;
  readonly port: number;
}

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
}

/** A TCP proxy that can hold back, delay and cut what passes: a bad network between a process and a real part. */
export class FaultProxy {
  private readonly pairs = new Set<Pair>();
  private delayMs = 0;
  private isRefusing = false;
  private resumed: Promise<void> | undefined;
  private resume: (() => void) | undefined;

  private constructor(
    private readonly server: Server,
    private readonly target: FaultProxyTarget,
  ) {
    server.on('connection', (client) => this.accept(client));
  }

  /** Listens on a free port of 127.0.0.1 and passes everything on. */
  static async open(target: FaultProxyTarget): Promise<FaultProxy> {
    const server = createServer({ noDelay: true, allowHalfOpen: true });
    const proxy = new FaultProxy(server, target);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.pairs.size;
  }

  /** Each chunk is held back this long, both ways. */
  setDelay(milliseconds: number): void {
    this.delayMs = milliseconds;
  }

  /** Bytes stand still, connections stay open: a network that says nothing. */
  pause(): void {
    this.resumed ??= new Promise((resolve) => (this.resume = resolve));
  }

  continue(): void {
    this.resume?.();
    this.resumed = undefined;
  }

  /** Breaks every connection with a reset. */
  cut(): void {
    for (const pair of this.pairs) {
      pair.client.resetAndDestroy();
      pair.upstream.resetAndDestroy();
    }
  }

  /** From now on new connections are reset at once (true), or passed again (false). */
  setRefusing(isRefusing: boolean): void {
    this.isRefusing = isRefusing;
  }

  async close(): Promise<void> {
    this.continue();
    this.cut();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private accept(client: Socket): void {
    // A reset of a connection is what this proxy is for: not an error of the test.
    client.on('error', () => undefined);
    if (this.isRefusing) {
      client.resetAndDestroy();
      return;
    }
    const host = this.target.host ?? '127.0.0.1';
    const upstream = connect({ host, port: this.target.port, noDelay: true, allowHalfOpen: true });
    upstream.on('error', () => client.resetAndDestroy());
    const pair = { client, upstream };
    this.pairs.add(pair);
    const forget = () => this.pairs.delete(pair);
    client.once('close', () => {
      forget();
      upstream.destroy();
    });
    upstream.once('close', () => {
      forget();
      client.destroySoon();
    });
    this.pass(client, upstream);
    this.pass(upstream, client);
  }

  private pass(from: Socket, to: Socket): void {
    let passed = Promise.resolve();
    from.on('data', (chunk: Buffer) => {
      from.pause();
      passed = this.forward(chunk, to).finally(() => from.resume());
    });
    from.once('end', () => void passed.then(() => this.resumed).then(() => to.end()));
  }

  private async forward(chunk: Buffer, to: Socket): Promise<void> {
    if (this.delayMs > 0) await delay(this.delayMs);
    await this.resumed;
    if (!to.destroyed && !to.write(chunk)) await drained(to);
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      socket.off('drain', settle);
      socket.off('close', settle);
      resolve();
    };
    socket.on('drain', settle);
    socket.on('close', settle);
  });
}
