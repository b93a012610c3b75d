import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SERVICE_NAMES, servicePermissions, type ServiceName } from '@weir/contracts';
import { eventually, freePort } from '@weir/testing';
import { connectBus, type BusConnection } from './connection/bus-connection.js';

/** `NATS_SERVER` names another binary, to run the same specs against another version. */
const BINARY = process.env['NATS_SERVER'] ?? 'nats-server';

/** A broker of a spec's own, with the users and permissions of production, that can be killed, restarted and emptied. */
export class Broker {
  readonly errors: Error[] = [];
  private child: ChildProcess | undefined;
  private readonly connections: BusConnection[] = [];

  private constructor(
    readonly port: number,
    private readonly folder: string,
  ) {}

  static async start(): Promise<Broker> {
    const broker = new Broker(await freePort(), await mkdtemp(join(tmpdir(), 'weir-broker-')));
    await writeFile(join(broker.folder, 'nats.conf'), broker.configuration());
    await broker.run();
    return broker;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Connects as a service (or as `admin`, who may do everything). */
  async connect(user: ServiceName | 'admin', port: number = this.port): Promise<BusConnection> {
    const connection = await connectBus({
      url: `nats://127.0.0.1:${port}`,
      user,
      password: 'secret',
      name: user,
      inboxPrefix: `_INBOX_${user}`,
      reconnectWaitMs: 20,
      onError: (error) => this.errors.push(error),
    });
    this.connections.push(connection);
    return connection;
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
  }

  async run(): Promise<void> {
    const child = spawn(BINARY, ['-c', join(this.folder, 'nats.conf')], { stdio: 'ignore' });
    this.child = child;
    // However the spec ends, its broker does not outlive it.
    process.once('exit', () => child.kill('SIGKILL'));
    await eventually(() => this.ping(), { timeoutMs: 10_000 });
  }

  /** Loses the broker's disk. Call while it is killed. */
  async wipe(): Promise<void> {
    await rm(join(this.folder, 'store'), { recursive: true, force: true });
  }

  async stop(): Promise<void> {
    await Promise.all(this.connections.map((connection) => connection.close()));
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async ping(): Promise<void> {
    const connection = await connectBus({
      url: this.url,
      user: 'admin',
      password: 'secret',
      name: 'ping',
      connectWithinMs: 0,
    });
    try {
      await connection.request('$JS.API.INFO', new Uint8Array(0), { timeoutMs: 500 });
    } finally {
      await connection.close();
    }
  }

  private configuration(): string {
    const users = SERVICE_NAMES.map((user) => ({ user, password: 'secret', permissions: servicePermissions[user] }));
    const text = {
      host: '127.0.0.1',
      port: this.port,
      jetstream: { store_dir: join(this.folder, 'store'), max_mem: 67_108_864, max_file: 4_294_967_296 },
      authorization: { users: [...users, { user: 'admin', password: 'secret' }] },
    };
    return JSON.stringify(text);
  }
}
