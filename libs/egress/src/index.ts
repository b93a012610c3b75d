export { judgeAddress, parseRanges, type AddressRanges, type AddressVerdict } from './address.js';
export { EgressError, type EgressErrorCode } from './egress-error.js';
export {
  Egress,
  createEgress,
  type BufferedRequest,
  type BufferedResponse,
  type EgressOptions,
  type OriginPolicy,
} from './egress.js';
export type { Resolve } from './guarded-connector.js';
export { parseUpstreamUrl } from './origin.js';
export {
  OriginDispatcher,
  type DispatcherStats,
  type Exchange,
  type OutboundRequest,
  type ResponseHandler,
  type ResponseHead,
} from './origin-dispatcher.js';
