export {
  BusConnection,
  BusUnavailableError,
  connectBus,
  type BusConnectionOptions,
  type BusStatus,
} from './connection/bus-connection.js';
export type { BusMessage, BusSubscription } from './connection/bus-message.js';
export { CallChannel, type CallChannelOptions } from './call/call-channel.js';
export { CallForwarder } from './call/call-forwarder.js';
export type { CallDraft, CallHandlers, CancelReason, OpenCall } from './call/call-handlers.js';
export { decodeCall, encodeCall, MalformedCallError, nextAttempt, type IncomingCall } from './call/call-message.js';
export { CallReply } from './call/call-reply.js';
export { failFrame } from './call/frame-contents.js';
export { BodyUnavailableError, pullBody, type BodyPullOptions } from './call/pull-body.js';
export {
  WorkerControlServer,
  type RunningCallHandlers,
  type WorkerControlOptions,
} from './call/worker-control-server.js';
export { adoptOrphans, type AdoptionOptions, type OrphanAdopter } from './events/adopt-orphans.js';
export { ensureEventStreams, type EventStreamOptions } from './events/ensure-event-streams.js';
export {
  EventPublisher,
  type AppendOptions,
  type EventPublisherOptions,
  type PublisherState,
} from './events/event-publisher.js';
export { readStoredMessages, type StoredMessage, type StoredRange } from './events/read-stored-messages.js';
export {
  openStreamReader,
  StreamMissingError,
  type StreamBatch,
  type StreamReader,
  type StreamReaderOptions,
} from './events/stream-reader.js';
export { JetStreamError } from './jetstream/jetstream-api.js';
export { onLanded, onOutcome, onPresence, publishLanded, publishOutcome, publishPresence } from './health/messages.js';
export { BucketMissingError, openBucket, type Bucket, type BucketOptions, type BucketWatch } from './kv/bucket.js';
export { CallServer, type CallServerOptions, type CallSubscription } from './nest/call-server.js';
export { OnCall, OnMessage } from './nest/decorators.js';
export { EventServer, type EventServerOptions, type MessageSubscription } from './nest/event-server.js';
export { HandlerError } from './nest/patterns.js';
