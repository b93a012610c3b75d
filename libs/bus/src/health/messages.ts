import {
  LandedReportV1,
  subjects,
  TargetOutcomeV1,
  WorkerPresenceV1,
  type LandedReport,
  type MessageDefinition,
  type TargetOutcome,
  type WorkerPresence,
} from '@weir/contracts';
import type { z } from 'zod';
import type { BusConnection } from '../connection/bus-connection.js';
import type { BusSubscription } from '../connection/bus-message.js';

function publishMessage(connection: BusConnection, subject: string, value: object): void {
  connection.publish(subject, Buffer.from(JSON.stringify(value)));
}

/** Calls `onValue` with each validated message; one that cannot be read is reported to the connection's `onError` and dropped. */
function onMessage<Schema extends z.ZodType>(
  connection: BusConnection,
  subject: string,
  definition: MessageDefinition<Schema>,
  onValue: (value: z.infer<Schema>) => void,
): BusSubscription {
  return connection.subscribe(subject, (message) => {
    onValue(definition.schema.parse(JSON.parse(message.data.toString('utf8'))));
  });
}

/** Tells every router of the region how one attempt at a target went. At most once; a lost one only blurs the picture. */
export function publishOutcome(connection: BusConnection, region: string, outcome: TargetOutcome): void {
  publishMessage(connection, subjects.health(region), outcome);
}

export function onOutcome(
  connection: BusConnection,
  region: string,
  listener: (outcome: TargetOutcome) => void,
): BusSubscription {
  return onMessage(connection, subjects.health(region), TargetOutcomeV1, listener);
}

/** Tells every router of the region which providers this worker serves. Sent every second and at every change. */
export function publishPresence(connection: BusConnection, region: string, presence: WorkerPresence): void {
  publishMessage(connection, subjects.presence(region), presence);
}

export function onPresence(
  connection: BusConnection,
  region: string,
  listener: (presence: WorkerPresence) => void,
): BusSubscription {
  return onMessage(connection, subjects.presence(region), WorkerPresenceV1, listener);
}

/** Tells a producer what a sink has landed of one of its epochs. At most once: repeat it with every batch. */
export function publishLanded(connection: BusConnection, report: LandedReport): void {
  publishMessage(connection, subjects.landed(report.producerId), report);
}

export function onLanded(
  connection: BusConnection,
  producerId: string,
  listener: (report: LandedReport) => void,
): BusSubscription {
  return onMessage(connection, subjects.landed(producerId), LandedReportV1, listener);
}
