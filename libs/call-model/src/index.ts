export {
  Block,
  CacheBreakpoint,
  DocumentBlock,
  ImageBlock,
  MediaSource,
  OutputBlock,
  ReasoningBlock,
  TextBlock,
  ToolCallBlock,
  ToolResultBlock,
} from './block.js';
export { CallError, CallErrorType } from './call-error.js';
export {
  CallMessage,
  CallRequest,
  ReasoningRequest,
  ResponseFormat,
  Sampling,
  ToolChoice,
  ToolDefinition,
} from './call-request.js';
export { CallResponse, FinishReason } from './call-response.js';
export { StreamEvent } from './stream-event.js';
export { collectResponse } from './collect-response.js';
export {
  assertUsage,
  EMPTY_USAGE,
  findUsageMismatch,
  sumInput,
  sumOutput,
  Usage,
  UsageMismatchError,
  type ProviderTotals,
} from './usage.js';
