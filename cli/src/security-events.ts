import type { Warehouse } from '@weir/warehouse';

/** Something that audit found missing and that is still missing. */
export interface SecurityEvent {
  readonly kind: string;
  readonly producer: string;
  readonly epoch: string;
  readonly first: string;
  readonly last: string;
  readonly found_at: string;
}

/** Open security events, the newest first, at most 100. */
export async function readOpenSecurityEvents(warehouse: Warehouse): Promise<readonly SecurityEvent[]> {
  return warehouse.query<SecurityEvent>(
    `SELECT kind, producer, epoch, first, last, found_at FROM ${warehouse.database}.security_events
     WHERE closed_at IS NULL ORDER BY found_at DESC LIMIT 100`,
  );
}

/** One line for a person. */
export const renderSecurityEvent = ({ kind, producer, epoch, first, last, found_at: at }: SecurityEvent): string =>
  `security event ${kind}: events ${first} to ${last} of producer ${producer}, epoch ${epoch}, are missing (found ${at} UTC)`;
