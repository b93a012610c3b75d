import type { ErrorCode } from '@weir/contracts';
import type { EgressErrorCode } from '@weir/egress';
import { faultOf, type UpstreamFault } from '../../domain/upstream-fault.js';

const BY_EGRESS_CODE: Readonly<Record<EgressErrorCode, ErrorCode>> = {
  invalid_url: 'upstream_unreachable',
  address_not_allowed: 'upstream_unreachable',
  insecure_scheme: 'upstream_unreachable',
  unreachable: 'upstream_unreachable',
  connect_timeout: 'upstream_connect_timeout',
  reset: 'upstream_reset',
  malformed: 'upstream_malformed',
  response_too_large: 'upstream_malformed',
  timeout: 'upstream_total_timeout',
  invalid_request: 'internal',
  aborted: 'internal',
};

/** What a fault of the way to the upstream means. A refused address is not told from an absent one: the answer would map the network. */
export function faultOfEgress(code: EgressErrorCode): UpstreamFault {
  return faultOf(BY_EGRESS_CODE[code]);
}
