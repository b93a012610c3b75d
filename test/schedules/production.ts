import type { PriceRecord } from '@weir/contracts';
import type { LandingLog, LandingSink } from '@weir/landing';
import type { LockSession } from '@weir/store';
import type { Warehouse } from '@weir/warehouse';

type FindPrice = (priceVersion: string) => PriceRecord | undefined;

/** Billing's closer, as far as a schedule drives it. */
export interface LedgerCloser {
  closeHours(session: LockSession, by: string, early: boolean): Promise<unknown>;
}

interface CloserOptions {
  readonly postgresUrl: string;
  readonly reader: object;
  readonly findPrice: FindPrice;
  readonly graceMs: number;
}

/** What the services run that lands, logs and settles: their own code, which they export to nobody. */
export interface ServiceCode {
  readonly auditSink: LandingSink;
  readonly leafLog: LandingLog;
  readonly createBillingSink: (options: { findPrice: FindPrice; onUnpriced: () => void }) => LandingSink;
  readonly Closer: new (options: CloserOptions) => LedgerCloser;
  readonly ChargeReader: new (warehouse: Warehouse, pageLines?: number) => object;
}

const PARTS = [
  'audit/dist/adapters/warehouse/audit-sink.js',
  'audit/dist/adapters/warehouse/leaf-log.js',
  'billing/dist/adapters/warehouse/billing-sink.js',
  'billing/dist/adapters/store/closer.js',
  'billing/dist/adapters/facts/charge-reader.js',
];

/** Loads it as it was built. A part that is not there fails here. */
export async function loadServiceCode(): Promise<ServiceCode> {
  const services = new URL('../../../services/', import.meta.url);
  const modules = await Promise.all(PARTS.map((part) => import(new URL(part, services).href) as Promise<object>));
  const code = Object.assign({}, ...modules) as Partial<ServiceCode>;
  for (const name of ['auditSink', 'leafLog', 'createBillingSink', 'Closer', 'ChargeReader'] as const)
    if (code[name] === undefined) throw new Error(`the services have no ${name}`);
  return code as ServiceCode;
}
