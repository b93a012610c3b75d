export {
  WIRE_DIALECTS,
  type Dialect,
  type DialectError,
  type HeaderMap,
  type ObservedUsage,
  type ParsedRequest,
  type ParsedResponse,
  type RenderedError,
  type RequestContext,
  type RequestFault,
  type StreamDecoder,
  type StreamEncoder,
  type StreamPassthrough,
  type TargetCapabilities,
  type TranslationContext,
  type UsageObserver,
  type WireDialect,
  type WrittenRequest,
} from './dialect.js';
export { ConverseEventReader } from './bedrock/converse-events.js';
export {
  EventStreamDecoder,
  EventStreamFormatError,
  writeEventStreamMessage,
  type EventStreamMessage,
} from './framing/event-stream.js';
export { parseSseFrame, SseFrameSplitter, writeSseFrame, type SseEvent } from './framing/sse.js';
export { createInvokeToSse, createPassthrough, createUsageObserver, DIALECTS, getDialect } from './registry.js';
export { JsonSyntaxError } from './scan/json-scanner.js';
export {
  prepareInvokeBody,
  prepareOpenAiPassthrough,
  rewriteModel,
  type PreparedPassthrough,
} from './scan/request-edit.js';
export {
  scanRequest,
  type RequestScan,
  type ScannedRequest,
  type ScanFault,
  type ScanFaultCode,
} from './scan/scan-request.js';
