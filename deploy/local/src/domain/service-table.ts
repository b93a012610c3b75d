import type { PortPlan, ServiceName } from './parts.js';
import { PHASE } from './phases.js';
import type { Secrets } from './secrets.js';

/** Everything a service's environment is made of. */
export interface StackFacts {
  readonly ports: PortPlan;
  readonly secrets: Secrets;
  readonly natsUrl: string;
  readonly postgresUrl: string;
  readonly clickhouse: { readonly url: string; readonly user: string; readonly database: string };
  readonly simulatorUrl: string;
  readonly configurationFile: string;
  readonly journals: string;
  readonly logKeyFile: string;
  /** Where audit copies signed checkpoints. */
  readonly checkpoints: string;
}

export interface ServiceEntry {
  readonly name: ServiceName;
  /** Services of one wave start together, after the wave before is ready. */
  readonly wave: number;
  readonly phase: number;
  /** Its place in the health ports. */
  readonly slot: number;
  /** weir.yaml may name any variable as a secret: this service gets the whole environment of the start. */
  readonly readsSecretVariables: boolean;
  environment(facts: StackFacts, serviceId: string): Readonly<Record<string, string>>;
}

const sinkEnvironment = (facts: StackFacts) => ({
  WEIR_POSTGRES_URL: facts.postgresUrl,
  WEIR_CLICKHOUSE_URL: facts.clickhouse.url,
  WEIR_CLICKHOUSE_USER: facts.clickhouse.user,
  WEIR_CLICKHOUSE_PASSWORD: facts.secrets.clickhouseWriterPassword,
  WEIR_CLICKHOUSE_DATABASE: facts.clickhouse.database,
});

/** The services of one machine: one process each, in the order they start. */
export const SERVICE_TABLE: readonly ServiceEntry[] = [
  {
    name: 'control',
    wave: 0,
    phase: PHASE.control,
    slot: 5,
    readsSecretVariables: true,
    environment: (facts) => ({
      WEIR_HTTP_HOST: '127.0.0.1',
      WEIR_HTTP_PORT: String(facts.ports.control),
      WEIR_POSTGRES_URL: facts.postgresUrl,
      WEIR_CONFIG_FILE: facts.configurationFile,
      WEIR_MASTER_KEY: facts.secrets.masterKey,
      WEIR_KEY_PEPPER: facts.secrets.keyPepper,
      WEIR_SEED_KEY: facts.secrets.gatewayKey,
      WEIR_ADMIN_TOKEN: facts.secrets.adminToken,
      WEIR_SIMULATOR_URL: facts.simulatorUrl,
    }),
  },
  {
    name: 'audit',
    wave: 1,
    phase: PHASE.sinks,
    slot: 3,
    readsSecretVariables: false,
    environment: (facts) => ({
      ...sinkEnvironment(facts),
      WEIR_LOG_KEY_FILE: facts.logKeyFile,
      WEIR_CHECKPOINTS_DIR: facts.checkpoints,
    }),
  },
  {
    name: 'billing',
    wave: 1,
    phase: PHASE.sinks,
    slot: 4,
    readsSecretVariables: false,
    environment: (facts) => ({
      ...sinkEnvironment(facts),
      WEIR_HTTP_HOST: '127.0.0.1',
      WEIR_HTTP_PORT: String(facts.ports.billing),
      WEIR_BILLING_TOKEN: facts.secrets.billingToken,
    }),
  },
  { name: 'router', wave: 1, phase: PHASE.calls, slot: 1, readsSecretVariables: false, environment: () => ({}) },
  {
    name: 'providers',
    wave: 1,
    phase: PHASE.calls,
    slot: 2,
    readsSecretVariables: false,
    environment: (facts, serviceId) => ({
      WEIR_JOURNAL_DIR: `${facts.journals}/${serviceId}`,
      WEIR_MASTER_KEY: facts.secrets.masterKey,
    }),
  },
  {
    name: 'ingress',
    wave: 1,
    phase: PHASE.ingress,
    slot: 0,
    readsSecretVariables: false,
    environment: (facts, serviceId) => ({
      WEIR_HTTP_HOST: '127.0.0.1',
      WEIR_HTTP_PORT: String(facts.ports.gateway),
      WEIR_JOURNAL_DIR: `${facts.journals}/${serviceId}`,
      WEIR_KEY_PEPPER: facts.secrets.keyPepper,
    }),
  },
];

/** The settings every service has (PLAN of the services' own settings.ts files). */
export function buildServiceEnvironment(entry: ServiceEntry, facts: StackFacts): Record<string, string> {
  const serviceId = `${entry.name}-0`;
  return {
    WEIR_SERVICE_ID: serviceId,
    WEIR_REGION: 'local',
    WEIR_NATS_URL: facts.natsUrl,
    WEIR_NATS_USER: entry.name,
    WEIR_NATS_PASSWORD: facts.secrets.natsPasswords[entry.name] ?? '',
    WEIR_HEALTH_HOST: '127.0.0.1',
    WEIR_HEALTH_PORT: String(facts.ports.health + entry.slot),
    ...entry.environment(facts, serviceId),
  };
}
