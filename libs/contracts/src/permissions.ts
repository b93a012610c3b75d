import { EVENT_PARTITIONS, eventStreamName, KV_BUCKETS, subjects } from './subjects.js';

/** NATS permissions of one user: subjects with wildcards. */
export interface BusPermissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

const streamOf = (bucket: string) => `KV_${bucket}`;

/** Reading a bucket: look it up, run an ordered consumer over it. The one extra inbox each service has is `_INBOX_<user>.>`. */
function readBucket(bucket: string): string[] {
  const stream = streamOf(bucket);
  return [
    `$JS.API.STREAM.INFO.${stream}`,
    `$JS.API.CONSUMER.CREATE.${stream}`,
    `$JS.API.CONSUMER.CREATE.${stream}.>`,
    `$JS.API.CONSUMER.INFO.${stream}.>`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.>`,
    `$JS.API.CONSUMER.DELETE.${stream}.>`,
    `$JS.API.DIRECT.GET.${stream}`,
    `$JS.API.DIRECT.GET.${stream}.>`,
    `$JS.API.STREAM.MSG.GET.${stream}`,
    `$JS.FC.${stream}.>`,
    `$JS.ACK.${stream}.>`,
  ];
}

/** Writing a bucket, and creating it where it is missing. */
function writeBucket(bucket: string): string[] {
  const stream = streamOf(bucket);
  return [
    ...readBucket(bucket),
    `$KV.${bucket}.>`,
    `$JS.API.STREAM.CREATE.${stream}`,
    `$JS.API.STREAM.UPDATE.${stream}`,
    '$JS.API.INFO',
  ];
}

/** Names of the event streams, one by one: in a permission `*` stands for a whole token only, so `EVENTS_*` would match nothing. */
const eventStreams = Array.from({ length: EVENT_PARTITIONS }, (_, partition) => eventStreamName(partition));

/** Landing: the sink's own durable consumer on each event stream. Acknowledgements in the broker's old form and its new one (ADR-15). */
function landEvents(): string[] {
  const perStream = eventStreams.flatMap((stream) => [
    `$JS.API.STREAM.INFO.${stream}`,
    `$JS.API.STREAM.CREATE.${stream}`,
    `$JS.API.STREAM.UPDATE.${stream}`,
    `$JS.API.CONSUMER.CREATE.${stream}`,
    `$JS.API.CONSUMER.CREATE.${stream}.>`,
    `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.>`,
    `$JS.API.CONSUMER.INFO.${stream}.>`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.>`,
    `$JS.ACK.${stream}.>`,
    `$JS.ACK.*.*.${stream}.>`,
    `$JS.API.STREAM.MSG.GET.${stream}`,
    `$JS.API.DIRECT.GET.${stream}`,
  ]);
  return ['$JS.API.INFO', ...perStream, subjects.landed('*')];
}

const produceEvents = [subjects.any('events'), ...eventStreams.map((stream) => `$JS.API.STREAM.INFO.${stream}`)];
const acknowledged = [subjects.acknowledgements('*') + '.>', subjects.landed('*')];
const own = (service: string) => `_INBOX_${service}.>`;

/**
 * What each service may publish and hear: nothing else. Each connects as the user of its own name and with the inbox prefix
 * `_INBOX_<service>`.
 */
export const servicePermissions = {
  ingress: {
    publish: [
      subjects.any('route'),
      subjects.any('worker'),
      subjects.beat(),
      ...produceEvents,
      ...readBucket(KV_BUCKETS.catalog),
      ...readBucket(KV_BUCKETS.prices),
      '_INBOX_providers.>',
    ],
    subscribe: [own('ingress'), subjects.any('inbox'), subjects.any('body'), ...acknowledged],
  },
  router: {
    publish: [subjects.any('exec'), subjects.any('inbox'), ...readBucket(KV_BUCKETS.catalog)],
    subscribe: [own('router'), subjects.any('route'), subjects.any('health'), subjects.any('presence')],
  },
  providers: {
    publish: [
      subjects.any('inbox'),
      subjects.any('route'),
      subjects.any('body'),
      subjects.any('health'),
      subjects.any('presence'),
      ...produceEvents,
      ...readBucket(KV_BUCKETS.catalog),
      ...readBucket(KV_BUCKETS.prices),
      ...readBucket(KV_BUCKETS.credentials),
    ],
    subscribe: [own('providers'), subjects.any('exec'), subjects.any('worker'), subjects.beat(), ...acknowledged],
  },
  audit: {
    publish: [...landEvents(), ...readBucket(KV_BUCKETS.catalog)],
    subscribe: [own('audit')],
  },
  billing: {
    publish: [...landEvents(), ...writeBucket(KV_BUCKETS.prices)],
    subscribe: [own('billing')],
  },
  control: {
    publish: [...writeBucket(KV_BUCKETS.catalog), ...writeBucket(KV_BUCKETS.credentials)],
    subscribe: [own('control')],
  },
} as const satisfies Record<string, BusPermissions>;

export type ServiceName = keyof typeof servicePermissions;
export const SERVICE_NAMES = Object.keys(servicePermissions) as ServiceName[];
