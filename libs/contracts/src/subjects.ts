import type { ProducerId } from './ids.js';

const ROOT = 'weir.v1';

/** In the place of an inbox's `n`: frames of several calls of one ingress, each with its `n`. No inbox has this name. */
export const INBOX_BUNDLE = 'bundle';

/** Core NATS subjects of calls. Every subject of Weir is built here; nothing else spells one. */
export const subjects = {
  route: (region: string) => `${ROOT}.route.${region}`,
  exec: (region: string, provider: string) => `${ROOT}.exec.${region}.${provider}`,
  /** Reply inbox of one call: `n` is unique within the ingress. */
  inbox: (ingressId: string, n: string) => `${ROOT}.inbox.${ingressId}.${n}`,
  inboxAll: (ingressId: string) => `${ROOT}.inbox.${ingressId}.*`,
  /** Control of the calls one provider worker runs: credit and cancel. */
  worker: (workerId: string) => `${ROOT}.worker.${workerId}`,
  /** Every ingress beats here once a second. */
  beat: () => `${ROOT}.beat`,
  /** Claim check: pulls of request bodies held by one ingress. */
  body: (ingressId: string) => `${ROOT}.body.${ingressId}`,
  /** Outcomes of attempts, heard by every router of a region. */
  health: (region: string) => `${ROOT}.health.${region}`,
  /** Which providers the workers of a region serve, heard by every router. */
  presence: (region: string) => `${ROOT}.presence.${region}`,
  events: (partition: number) => `${ROOT}.events.${partition}`,
  /** What one sink has landed of one producer. */
  landed: (producerId: ProducerId | string) => `${ROOT}.landed.${producerId}`,
  /** Acknowledgements of JetStream for one publisher. */
  acknowledgements: (producerId: ProducerId | string) => `_INBOX_ack.${producerId}`,
  any: (kind: 'route' | 'exec' | 'inbox' | 'worker' | 'body' | 'health' | 'presence' | 'events' | 'landed') =>
    `${ROOT}.${kind}.>`,
} as const;

export const queueGroups = { router: 'router', providers: 'providers' } as const;

/** The services that land events; a producer forgets an event when each of them has landed it. */
export const SINKS = ['audit', 'billing'] as const;
export type Sink = (typeof SINKS)[number];

export const eventStreamName = (partition: number): string => `EVENTS_${partition}`;

/** FNV-1a (32 bit) of the producer's id, modulo the number of partitions. */
export function partitionOf(producerId: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < producerId.length; i++) {
    hash = Math.imul(hash ^ producerId.charCodeAt(i), 0x01000193) >>> 0;
  }
  return hash % partitions;
}

/** Streams of events; each producer belongs to one for ever, so the number is fixed once an installation has data. */
export const EVENT_PARTITIONS = 2;

export const KV_BUCKETS = { catalog: 'catalog', credentials: 'credentials', prices: 'prices' } as const;
export type KvBucketName = (typeof KV_BUCKETS)[keyof typeof KV_BUCKETS];
