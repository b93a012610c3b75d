import { SERVICE_TABLE, type StackFacts } from './service-table.js';
import { NATS_ADMIN, type InfrastructurePart } from './parts.js';

/** One running process of a service. */
export interface ServiceInstance {
  readonly pid: number;
  readonly healthUrl: string;
  readonly metricsUrl: string;
}

/** `<home>/connection.json`: every URL and credential, for scripts and tests. Mode 0600. */
export interface Connection {
  readonly gateway?: { readonly url: string; readonly key: string };
  readonly admin?: { readonly url: string; readonly token: string };
  /** Billing's administration: prices, ledger, reconciliation. */
  readonly billing?: { readonly url: string; readonly token: string };
  readonly clickhouse?: {
    readonly url: string;
    readonly user: string;
    readonly password: string;
    readonly database: string;
  };
  readonly postgres?: { readonly url: string };
  readonly nats?: { readonly url: string };
  readonly simulator?: { readonly url: string };
  readonly services: Readonly<Record<string, readonly ServiceInstance[]>>;
  /** True where no provider key was found: the simulator answers. */
  readonly isSimulated: boolean;
  readonly home: string;
  /** What only tests and repairs need. */
  readonly internal: {
    readonly supervisorPid: number;
    readonly clickhouseWriter?: {
      readonly url: string;
      readonly user: string;
      readonly password: string;
      readonly database: string;
    };
    readonly natsUsers: Readonly<Record<string, string>>;
    readonly postgresFolder?: string;
    /** The keys the record's log is signed with, and where signed checkpoints are copied to. */
    readonly logKeyFile: string;
    readonly checkpoints: string;
    readonly keyPepper: string;
    readonly masterKey: string;
    readonly parts: Readonly<Record<string, number>>;
  };
}

export interface ConnectionInput {
  readonly facts: StackFacts;
  readonly readerUser: string;
  readonly parts: ReadonlySet<InfrastructurePart>;
  readonly hasServices: boolean;
  readonly isSimulated: boolean;
  readonly home: string;
  readonly supervisorPid: number;
  readonly postgresFolder: string | undefined;
  findPid(name: string): number | undefined;
}

/** What is running, as `connection.json` tells it. Parts that were not started are absent. */
export function buildConnection(input: ConnectionInput): Connection {
  const { facts, parts } = input;
  const { secrets } = facts;
  return {
    ...(input.hasServices ? describeDoors(facts) : {}),
    ...(parts.has('clickhouse')
      ? { clickhouse: { ...facts.clickhouse, user: input.readerUser, password: secrets.clickhouseReaderPassword } }
      : {}),
    ...(parts.has('postgres') ? { postgres: { url: facts.postgresUrl } } : {}),
    ...(parts.has('nats') ? { nats: { url: withAdmin(facts) } } : {}),
    ...(parts.has('simulator') ? { simulator: { url: facts.simulatorUrl } } : {}),
    services: input.hasServices ? describeServices(input) : {},
    isSimulated: input.isSimulated,
    home: input.home,
    internal: {
      supervisorPid: input.supervisorPid,
      ...(parts.has('clickhouse')
        ? { clickhouseWriter: { ...facts.clickhouse, password: secrets.clickhouseWriterPassword } }
        : {}),
      natsUsers: secrets.natsPasswords,
      ...(input.postgresFolder === undefined ? {} : { postgresFolder: input.postgresFolder }),
      logKeyFile: facts.logKeyFile,
      checkpoints: facts.checkpoints,
      keyPepper: secrets.keyPepper,
      masterKey: secrets.masterKey,
      parts: describeParts(input),
    },
  };
}

function describeDoors(facts: StackFacts): Pick<Connection, 'gateway' | 'admin' | 'billing'> {
  return {
    gateway: { url: `http://127.0.0.1:${facts.ports.gateway}`, key: facts.secrets.gatewayKey },
    admin: { url: `http://127.0.0.1:${facts.ports.control}`, token: facts.secrets.adminToken },
    billing: { url: `http://127.0.0.1:${facts.ports.billing}`, token: facts.secrets.billingToken },
  };
}

function withAdmin(facts: StackFacts): string {
  const url = new URL(facts.natsUrl);
  url.username = NATS_ADMIN;
  url.password = facts.secrets.natsAdminPassword;
  return url.href.replace(/\/$/, '');
}

function describeServices(input: ConnectionInput): Record<string, ServiceInstance[]> {
  const services: Record<string, ServiceInstance[]> = {};
  for (const entry of SERVICE_TABLE) {
    const pid = input.findPid(entry.name);
    const origin = `http://127.0.0.1:${input.facts.ports.health + entry.slot}`;
    const instance = { healthUrl: `${origin}/health/ready`, metricsUrl: `${origin}/metrics` };
    services[entry.name] = pid === undefined ? [] : [{ pid, ...instance }];
  }
  return services;
}

function describeParts(input: ConnectionInput): Record<string, number> {
  const pids: Record<string, number> = {};
  for (const part of input.parts) {
    const pid = input.findPid(part);
    if (pid !== undefined) pids[part] = pid;
  }
  return pids;
}
