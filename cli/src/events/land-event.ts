import { setTimeout as sleep } from 'node:timers/promises';
import { connectBus, type BusConnection } from '@weir/bus';
import { EVENT_PARTITIONS, partitionOf, subjects, uuidv7, type EventData, type EventDefinition } from '@weir/contracts';
import type { DataSource } from '@weir/store';
import { UsageError } from '../command.js';
import { findConnection } from '../connection.js';

export interface LandingAccess {
  readonly store: DataSource;
  readonly bus: BusConnection;
}

/** The one event of an epoch of a producer that the command makes for it. */
export interface SingleEvent<D extends EventDefinition> {
  readonly producerId: string;
  readonly epoch: number;
  readonly definition: D;
  readonly data: EventData<D>;
}

const LANDS_WITHIN_MS = 60_000;
const LOOK_MS = 250;
/** A message that is lost on its way to the stream is sent again: the sinks land it once. */
const RESEND_MS = 5_000;

/**
 * Publishes an event until both sinks have landed it.
 *
 * @throws where they have not in time: it may land yet.
 */
export async function landEvent<D extends EventDefinition>(
  { bus, store }: LandingAccess,
  { producerId, epoch, definition, data }: SingleEvent<D>,
): Promise<void> {
  const event = {
    eventId: uuidv7(),
    type: definition.type,
    version: definition.version,
    time: Date.now(),
    producerId,
    epoch,
    sequence: 1,
    organisationId: null,
    callId: null,
    traceparent: null,
    data,
  };
  const line = Buffer.from(`${JSON.stringify(event)}\n`);
  const deadline = performance.now() + LANDS_WITHIN_MS;
  for (let sentAt = -Infinity; ; await sleep(LOOK_MS)) {
    if (await hasLanded(store, { producerId, epoch })) return;
    if (performance.now() > deadline) {
      throw new Error(
        `${definition.type} has not landed within ${LANDS_WITHIN_MS / 1_000} s: look at audit and billing.`,
      );
    }
    if (performance.now() - sentAt < RESEND_MS) continue;
    bus.publish(subjects.events(partitionOf(producerId, EVENT_PARTITIONS)), line);
    await bus.roundTrip();
    sentAt = performance.now();
  }
}

/** A UUID of version 8 (RFC 9562 §5.8) made of 32 hex digits or more: whoever makes it of the same gets the same. */
export const producerOfDigest = (hex: string): string =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;

/** Connects to the broker of the stack in `home`. @throws UsageError where connection.json names none. */
export async function openBus(home: string): Promise<BusConnection> {
  const nats = findConnection(home)?.nats;
  if (!nats) throw new UsageError('connection.json names no broker to publish to.');
  const { host, username, password } = new URL(nats.url);
  return connectBus({ url: `nats://${host}`, user: username, password, name: 'weir-cli' });
}

async function hasLanded(
  store: DataSource,
  { producerId, epoch }: { readonly producerId: string; readonly epoch: number },
): Promise<boolean> {
  const rows = await store.query<readonly unknown[]>(
    `SELECT through FROM audit.landing_watermarks WHERE producer_id = $1 AND epoch = $2 AND through > 0
     UNION ALL SELECT through FROM billing.landing_watermarks WHERE producer_id = $1 AND epoch = $2 AND through > 0`,
    [producerId, epoch],
  );
  return rows.length === 2;
}
