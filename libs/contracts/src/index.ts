export { Adapter, ClientDialect } from './dialect.js';
export {
  EventEnvelope,
  defineEvent,
  splitEventLine,
  type EventData,
  type EventDefinition,
  type EventDraft,
} from './event.js';
export { AttemptId, CallId, KeyId, ProducerId, SubjectToken } from './ids.js';
export { PicoUsdString } from './money.js';
export { SERVICE_NAMES, servicePermissions, type BusPermissions, type ServiceName } from './permissions.js';
export { Principal } from './principal.js';
export {
  EVENT_PARTITIONS,
  INBOX_BUNDLE,
  KV_BUCKETS,
  SINKS,
  eventStreamName,
  partitionOf,
  queueGroups,
  subjects,
  type KvBucketName,
  type Sink,
} from './subjects.js';
export {
  CHARGE_BUCKETS,
  EXTRA_BUCKETS,
  ServedUsage,
  ServiceTier,
  USAGE_BUCKETS,
  Usage,
  UsageSource,
  type ChargeBucket,
  type ExtraBucket,
  type UsageBucket,
} from './usage.js';
export { BodyPull, IngressBeat, TargetOutcome, WorkerControl, WorkerPresence } from './call/control.js';
export { AttemptSummary, CallBody, CallEnvelopeV1, CallFailure, CallTarget, PinnedPrice } from './call/envelope.js';
export {
  AcceptedFrame,
  EndFrame,
  FRAME,
  FRAME_HEADER_BYTES,
  FailFrame,
  HeadFrame,
  PingFrame,
  WholeFrame,
  type FrameType,
} from './call/frame.js';
export { ExecuteCallV1, RouteCallV1, type CallDefinition } from './call/message.js';
export { CALL_SIZES, CALL_TIMING, scaleTiming, type CallTiming } from './call/timing.js';
export {
  AliasRecord,
  COMPLETE_KEY,
  Capabilities,
  CatalogRecord,
  CompleteMarker,
  CredentialRecord,
  Deployment,
  KeyRecord,
  ModelRecord,
  OrganisationRecord,
  PersonRecord,
  PriceRecord,
  RateCard,
  TierPrice,
  ProviderCredential,
  ProviderRecord,
  TeamRecord,
  Timeouts,
  Tombstone,
  kvKey,
} from './catalog/records.js';
export { ERRORS, findError, isErrorCode, type ErrorCode, type ErrorDefinition } from './errors/registry.js';
export { AttemptFacts } from './events/attempt-facts.js';
export { AttemptFinishedV1, AttemptOutcome } from './events/attempt-finished.js';
export { AttemptStartedV1 } from './events/attempt-started.js';
export { CallDeniedV1 } from './events/call-denied.js';
export { CallFacts } from './events/call-facts.js';
export { CallFinishedV1 } from './events/call-finished.js';
export { CallStartedV1 } from './events/call-started.js';
export { EVENTS, findEventDefinition } from './events/catalogue.js';
export { EventReplayedV1 } from './events/event-replayed.js';
export { LogKeyRotatedV1 } from './events/log-key-rotated.js';
export { ProducerAliveV1 } from './events/producer-alive.js';
export { LandedReport } from './landing/landed.js';
export { uuidv7 } from './uuid.js';
export {
  AliasConfiguration,
  Configuration,
  CredentialConfiguration,
  DeploymentConfiguration,
  KeyConfiguration,
  ModelConfiguration,
  ProviderConfiguration,
  SecretReference,
  TimeoutsConfiguration,
  configurationJsonSchema,
  type ConfigurationFault,
} from './configuration/configuration.js';
export { findReferenceFaults } from './configuration/references.js';
export { LandedReportV1, TargetOutcomeV1, WorkerPresenceV1, type MessageDefinition } from './message.js';
export {
  CloseMonthRequest,
  CloseRequest,
  EntriesRequest,
  INVOICE_FORMATS,
  INVOICE_TYPES,
  LEDGER_KINDS,
  PRICE_LIST_FORMATS,
  PriceApprovalRequest,
  PriceImportRequest,
  PriceListRequest,
  REPORT_DIMENSIONS,
  ReconcileRequest,
  ReportRequest,
  RerateRequest,
  SET_ASIDE_KINDS,
  SetAsideRequest,
  type CloseAnswer,
  type CloseMonthAnswer,
  type DifferenceKind,
  type EntriesAnswer,
  type InvoiceDifference,
  type LedgerKind,
  type LedgerRow,
  type OpenSum,
  type PriceListAnswer,
  type PriceProposal,
  type PriceVerdict,
  type PriceVerdictKind,
  type ReconcileAnswer,
  type ReconciledDay,
  type ReportAnswer,
  type ReportDimension,
  type ReportRow,
  type RerateAnswer,
  type SetAsideAnswer,
  type SetAsideKind,
  type SetAsideLine,
} from './administration/billing.js';
