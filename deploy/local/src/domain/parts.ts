/** The parts a start can be limited to (`--infrastructure`); services need all four. */
export const INFRASTRUCTURE_PARTS = ['nats', 'postgres', 'clickhouse', 'simulator'] as const;
export type InfrastructurePart = (typeof INFRASTRUCTURE_PARTS)[number];

export const SERVICE_NAMES = ['control', 'audit', 'billing', 'router', 'providers', 'ingress'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** The NATS user of people and scripts; services have one each, of their own names. */
export const NATS_ADMIN = 'weir';

/** Where each part listens, all on 127.0.0.1. */
export interface PortPlan {
  readonly gateway: number;
  readonly control: number;
  readonly clickhouse: number;
  readonly simulator: number;
  readonly nats: number;
  readonly postgres: number;
  readonly billing: number;
  /** First of the health ports; instance n of the service table listens on `health + n`. */
  readonly health: number;
}

/** How many ports from `--port` upwards belong to one stack. */
export const PORTS_PER_STACK = 30;

/** The ports of a stack whose gateway listens on `base`. */
export function planPorts(base: number): PortPlan {
  return {
    gateway: base,
    control: base + 1,
    clickhouse: base + 2,
    simulator: base + 3,
    nats: base + 4,
    postgres: base + 5,
    billing: base + 6,
    health: base + 10,
  };
}
