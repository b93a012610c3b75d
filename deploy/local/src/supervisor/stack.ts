import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createKey } from '@weir/credentials';
import { buildConnection } from '../domain/connection.js';
import { INFRASTRUCTURE_PARTS, PORTS_PER_STACK, planPorts, type InfrastructurePart } from '../domain/parts.js';
import { SERVICE_TABLE, type ServiceEntry, type StackFacts } from '../domain/service-table.js';
import { StartFault, type StartOptions } from '../settings.js';
import { loadSecrets, openHome, writePrivateJson, type Home } from '../adapters/home.js';
import { ManagedChild, type ChildSpecification } from '../adapters/managed-child.js';
import { prepareNats } from '../adapters/nats-server.js';
import type { PartContext } from '../adapters/part-context.js';
import { findPortOwner, isPortFree } from '../adapters/port-owners.js';
import { POSTGRES_DATABASE, POSTGRES_USER, preparePostgres } from '../adapters/postgres.js';
import { RunRecord } from '../adapters/run-record.js';
import { endLastRun } from '../adapters/survivors.js';
import {
  CLICKHOUSE_DATABASE,
  CLICKHOUSE_READER,
  CLICKHOUSE_WRITER,
  ROOT,
  prepareClickHouse,
  prepareService,
  prepareSimulator,
} from './parts.js';
import type { Terminal } from './terminal.js';

const LOG_POLL_MS = 500;

/** Everything that runs for one home: starts it in order, keeps it running, drains it in the opposite order. */
export class Stack {
  private readonly home: Home;
  private readonly record: RunRecord;
  private readonly facts: StackFacts;
  private readonly parts: ReadonlySet<InfrastructurePart>;
  private readonly children = new Map<string, ManagedChild>();
  private readonly abort = new AbortController();
  private postgresFolder: string | undefined;
  private isOwner = false;
  private isConnectionKept = false;
  private logTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly options: StartOptions,
    private readonly terminal: Terminal,
    launcherPid: number,
  ) {
    this.home = openHome(options.home);
    this.record = new RunRecord(this.home, launcherPid);
    this.parts = new Set(options.infrastructure ?? INFRASTRUCTURE_PARTS);
    this.facts = this.buildFacts();
  }

  get hasServices(): boolean {
    return this.options.infrastructure === undefined;
  }

  get connection() {
    return buildConnection({
      facts: this.facts,
      readerUser: CLICKHOUSE_READER,
      parts: this.parts,
      hasServices: this.hasServices,
      isSimulated: !this.options.hasProviderKey,
      home: this.home.directory,
      supervisorPid: process.pid,
      postgresFolder: this.postgresFolder,
      findPid: (name) => this.children.get(name)?.pid,
    });
  }

  get configurationFile(): string {
    return this.home.configurationFile;
  }

  /** Starts everything. Throws StartFault or ChildNeverReady; what was started by then is for `drain` to end. */
  async start(): Promise<void> {
    await endLastRun(this.home, (line) => this.terminal.say(`• ${line}`));
    this.isOwner = true;
    await this.refuseBusyPorts();
    this.record.write();
    this.writeDefaultConfiguration();
    this.logTimer = setInterval(() => this.pollLogs(), LOG_POLL_MS);
    await Promise.all([...this.parts].map((part) => this.terminal.step(part, () => this.startPart(part))));
    if (this.hasServices) await this.startServices();
    this.isConnectionKept = true;
    this.writeConnection();
  }

  /** Drains phase by phase. Safe while a start is under way. */
  async drain(): Promise<void> {
    this.abort.abort();
    const phases = [...new Set(this.listChildren().map((child) => child.specification.phase))].sort((a, b) => a - b);
    for (const phase of phases) {
      const draining = this.listChildren().filter((child) => child.specification.phase === phase);
      await this.terminal.step(`${draining.map((child) => child.name).join(', ')} stopped`, () =>
        Promise.all(draining.map((child) => child.stop())),
      );
    }
    clearInterval(this.logTimer);
    // A start that was refused must not erase the record of the stack that runs here.
    if (this.isOwner) this.record.clear();
  }

  /** Cuts the drain short: every process of ours is killed, the databases still end in order. */
  hurry(): void {
    for (const child of this.children.values()) if (child.specification.hasChannel) child.kill();
  }

  private listChildren(): ManagedChild[] {
    return [...this.children.values()];
  }

  private async startServices(): Promise<void> {
    const waves = [...new Set(SERVICE_TABLE.map((entry) => entry.wave))].sort((a, b) => a - b);
    for (const wave of waves) {
      const entries = SERVICE_TABLE.filter((entry) => entry.wave === wave);
      await Promise.all(entries.map((entry) => this.terminal.step(entry.name, () => this.startService(entry))));
    }
  }

  private startService(entry: ServiceEntry): Promise<void> {
    const { childEnvironment, secretEnvironment } = this.options;
    const environment = entry.readsSecretVariables ? secretEnvironment : childEnvironment;
    const directory = this.options.servicesDirectory ?? join(ROOT, 'services');
    return this.run(prepareService(entry, { home: this.home, facts: this.facts, environment, directory }));
  }

  private async startPart(part: InfrastructurePart): Promise<void> {
    const context: PartContext = {
      home: this.home,
      ports: this.facts.ports,
      secrets: this.facts.secrets,
      environment: this.options.childEnvironment,
      say: (line) => this.terminal.say(`• ${line}`),
    };
    switch (part) {
      case 'nats':
        return this.run(prepareNats(context));
      case 'postgres': {
        const prepared = await preparePostgres(context);
        this.postgresFolder = prepared.folder;
        return this.run(prepared.specification);
      }
      case 'clickhouse':
        return this.run(prepareClickHouse(context));
      case 'simulator':
        return this.run(prepareSimulator(context));
    }
  }

  private async run(specification: ChildSpecification): Promise<void> {
    this.abort.signal.throwIfAborted();
    const child = new ManagedChild(specification, this.record, {
      say: (line) => this.terminal.say(line),
      changed: () => this.writeConnection(),
    });
    this.children.set(specification.name, child);
    await child.start(this.abort.signal);
  }

  private writeConnection(): void {
    if (this.isConnectionKept) writePrivateJson(this.home.connectionFile, this.connection);
  }

  private pollLogs(): void {
    for (const child of this.children.values()) child.pollLog();
  }

  private async refuseBusyPorts(): Promise<void> {
    const { ports } = this.facts;
    const health = SERVICE_TABLE.map((entry) => ports.health + entry.slot);
    const wanted = this.hasServices
      ? [ports.gateway, ports.control, ports.billing, ...health, ...[...this.parts].map((part) => ports[part])]
      : [...this.parts].map((part) => ports[part]);
    for (const port of wanted) {
      if (await isPortFree(port)) continue;
      const owner = findPortOwner(port) ?? 'another program';
      throw new StartFault(
        `Port ${port} is busy: ${owner}.`,
        `Stop it, or start on other ports: npm start -- --port ${this.options.port + 1000} (the ${PORTS_PER_STACK} ports from there upwards are used).`,
      );
    }
  }

  private writeDefaultConfiguration(): void {
    const shipped = join(ROOT, 'deploy', 'local', 'weir.default.yaml');
    if (!existsSync(this.home.configurationFile) && existsSync(shipped)) {
      copyFileSync(shipped, this.home.configurationFile);
    }
    mkdirSync(this.home.path('journals'), { recursive: true, mode: 0o700 });
  }

  private buildFacts(): StackFacts {
    const ports = planPorts(this.options.port);
    const secrets = loadSecrets(this.home, () => createKey().key);
    const account = `${POSTGRES_USER}:${secrets.postgresPassword}`;
    return {
      ports,
      secrets,
      natsUrl: `nats://127.0.0.1:${ports.nats}`,
      postgresUrl: `postgres://${account}@127.0.0.1:${ports.postgres}/${POSTGRES_DATABASE}`,
      clickhouse: {
        url: `http://127.0.0.1:${ports.clickhouse}`,
        user: CLICKHOUSE_WRITER,
        database: CLICKHOUSE_DATABASE,
      },
      simulatorUrl: `http://127.0.0.1:${ports.simulator}`,
      configurationFile: this.home.configurationFile,
      journals: this.home.path('journals'),
      logKeyFile: this.home.path('log-key'),
      checkpoints: resolve(this.options.childEnvironment['WEIR_CHECKPOINTS_DIR'] ?? this.home.path('checkpoints')),
    };
  }
}
