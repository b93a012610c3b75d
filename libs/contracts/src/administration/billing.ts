import { z } from 'zod';
import { ServiceTier } from '../usage.js';

/**
 * Billing's administration: what `weir prices` and `weir billing` send, and what they get. Amounts are integer strings of pico-USD.
 * Requests are strict, so that a misspelt option is refused and not ignored.
 */

/** Who does it, as that person says: the token proves the right, this is what the audit shows. */
const Operator = z.string().trim().min(1).max(128);
const Month = z.string().regex(/^\d{4}-(?:0[1-9]|1[0-2])$/, 'a month: YYYY-MM');
const Day = z.iso.date();

export const PRICE_LIST_FORMATS = ['litellm', 'genai-prices'] as const;

/** A published list of prices to compare with the book. */
export const PriceListRequest = z.strictObject({
  format: z.enum(PRICE_LIST_FORMATS),
  text: z.string().min(1),
  /** Where the list is from; kept with each version. */
  source: z.string().min(1).max(500),
  /** First day the prices hold. */
  day: Day,
  region: z
    .string()
    .regex(/^[a-z0-9-]+$/)
    .nullable(),
  /** Keys of the book by the list's `provider/model`, where the two differ. */
  keys: z.record(z.string(), z.string()),
  /** Take models that the book does not have, too. */
  includeNew: z.boolean(),
});
export type PriceListRequest = z.infer<typeof PriceListRequest>;

export const PriceImportRequest = PriceListRequest.extend({ by: Operator });
export type PriceImportRequest = z.infer<typeof PriceImportRequest>;

export const PriceApprovalRequest = z.strictObject({
  proposals: z.array(z.int().min(1)).min(1),
  by: Operator,
  note: z.string().max(1_000),
});
export type PriceApprovalRequest = z.infer<typeof PriceApprovalRequest>;

/**
 * `same`: as in force. `accepted`: may hold at once. `waiting`: somebody must approve it. `refused`: its figures are at fault.
 */
export type PriceVerdictKind = 'same' | 'accepted' | 'waiting' | 'refused';

export interface PriceVerdict {
  /** `provider/model` in the list. */
  readonly name: string;
  readonly key: string;
  readonly priceVersion: string | null;
  readonly kind: PriceVerdictKind;
  /** Faults of a refused one, reasons of one that waits. */
  readonly reasons: readonly string[];
  /** Against the version in force: pico-USD, null where a side has no rate. */
  readonly differences: readonly {
    readonly name: string;
    readonly before: string | null;
    readonly after: string | null;
  }[];
  /** What the list says of the price and a version cannot hold. */
  readonly notCarried: readonly string[];
  /** To approve it by; only of one that waits and was imported. */
  readonly proposal: number | null;
}

export interface PriceListAnswer {
  readonly verdicts: readonly PriceVerdict[];
  /** Models of the list that the book does not have and were not asked for. */
  readonly leftOut: number;
}

export interface PriceProposal {
  readonly proposal: number;
  readonly priceVersion: string;
  readonly reasons: readonly string[];
  readonly proposedBy: string;
  readonly proposedAt: string;
}

export const CloseRequest = z.strictObject({
  by: Operator,
  /** Closes the running hour too; what still comes in it is late. */
  early: z.boolean().default(false),
});
export const CloseMonthRequest = z.strictObject({
  month: Month,
  by: Operator,
  /** Why the month closes although something of it is set aside; kept with the closing. */
  acceptOpen: z.string().trim().min(1).max(1_000).optional(),
});
export type CloseMonthRequest = z.infer<typeof CloseMonthRequest>;

/** What one run of closing did. */
export interface CloseAnswer {
  /** Hours before this one are closed. */
  readonly closedBefore: string | null;
  readonly hours: number;
  readonly charges: number;
  /** Lines of facts that came after their hour was closed, and what replaced a bound by a count. */
  readonly late: number;
  readonly corrections: number;
  /** Set aside by this run, attempts. */
  readonly faults: number;
  readonly conflicts: number;
  /** What is set aside now, of all months that are open. */
  readonly open: OpenSum;
  /** Lines without a price that are in the ledger now: in no sum, and no month closes over one. */
  readonly unpriced: number;
  readonly amountPico: string;
}

export interface CloseMonthAnswer {
  readonly month: string;
  readonly closedAt: string;
  readonly closedBy: string;
  readonly entries: number;
  readonly amountPico: string;
}

/**
 * Why an event is not booked. `fault`: its amounts are not what its price makes of them. `conflict`: its attempt is booked with other counts
 * that are known as well.
 */
export const SET_ASIDE_KINDS = ['fault', 'conflict'] as const;
export type SetAsideKind = (typeof SET_ASIDE_KINDS)[number];

/** What is set aside, together: attempts by kind, and what the record says of them. */
export interface OpenSum {
  readonly faults: number;
  readonly conflicts: number;
  readonly amountPico: string;
}

export const SetAsideRequest = z.strictObject({
  /** Only what keeps this month open. */
  month: Month.optional(),
  after: z.coerce.number().int().min(0).default(0),
});
export type SetAsideRequest = z.infer<typeof SetAsideRequest>;

/** A line that is recorded and not booked. */
export interface SetAsideLine {
  readonly item: string;
  readonly kind: SetAsideKind;
  readonly reason: string;
  readonly attemptId: string;
  /** The event: `producer:epoch:sequence`. */
  readonly origin: string;
  /** -1 where the event says that nothing was used. */
  readonly line: number;
  readonly bucket: string;
  readonly quantity: string;
  /** Null where it has no price. */
  readonly recordedPico: string | null;
  /** What the ledger held of the line when it was set aside; null where nothing. */
  readonly bookedPico: string | null;
  readonly provider: string;
  readonly model: string;
  /** When the attempt's hour began, and the month that does not close over it. */
  readonly hour: string;
  readonly month: string;
  readonly firstSeen: string;
}

export interface SetAsideAnswer {
  readonly rows: readonly SetAsideLine[];
  /** To ask for the next page by; null after the last. */
  readonly next: number | null;
}

export const REPORT_DIMENSIONS = [
  'organisation',
  'team',
  'person',
  'key',
  'provider',
  'model',
  'day',
  'bucket',
  'kind',
] as const;
export type ReportDimension = (typeof REPORT_DIMENSIONS)[number];

export const ReportRequest = z.strictObject({
  month: Month,
  by: z.enum(REPORT_DIMENSIONS),
  /** Leave out what the simulator answered. */
  real: z.stringbool().default(false),
});
export type ReportRequest = z.infer<typeof ReportRequest>;

export interface ReportRow {
  readonly name: string;
  readonly attempts: number;
  readonly quantity: string;
  readonly amountPico: string;
  readonly unpricedLines: number;
}

export interface ReportAnswer {
  readonly month: string;
  /** Null while the month is open. */
  readonly closedAt: string | null;
  readonly rows: readonly ReportRow[];
  readonly amountPico: string;
  readonly unpricedLines: number;
  /** What is recorded, set aside, and in no row. */
  readonly open: OpenSum;
}

export const EntriesRequest = z.strictObject({ month: Month, after: z.coerce.number().int().min(0).default(0) });
export type EntriesRequest = z.infer<typeof EntriesRequest>;

export const LEDGER_KINDS = ['charge', 'late', 'correction', 're-rating'] as const;
export type LedgerKind = (typeof LEDGER_KINDS)[number];

/** One entry of the ledger, as it is exported. */
export interface LedgerRow {
  readonly entry: string;
  readonly month: string;
  readonly kind: LedgerKind;
  readonly chargedAt: string;
  readonly attemptId: string;
  readonly line: number;
  readonly revision: number;
  readonly organisationId: string;
  readonly teamId: string;
  readonly personId: string;
  readonly keyId: string;
  readonly application: string;
  readonly provider: string;
  readonly model: string;
  readonly upstreamModel: string;
  readonly region: string;
  readonly bucket: string;
  readonly quantity: string;
  readonly ratePico: string | null;
  readonly amountPico: string | null;
  readonly priceVersion: string;
  readonly usageSource: string;
  readonly simulated: boolean;
}

export interface EntriesAnswer {
  readonly rows: readonly LedgerRow[];
  /** To ask for the next page by; null after the last. */
  readonly next: number | null;
}

export const RerateRequest = z.strictObject({
  /** What to rate anew: lines at this version, or without a price where it is null. */
  from: z.string().nullable(),
  to: z.string().min(1),
  provider: z.string().min(1),
  model: z.string().min(1),
  /** The tier the new version is read at: the ledger does not say at which one a line without a price was served. */
  tier: ServiceTier.default('standard'),
  /** First day and the day after the last, by when the attempts ended. */
  since: Day,
  until: Day,
  by: Operator,
  reason: z.string().trim().min(1).max(1_000),
  dryRun: z.boolean(),
});
export type RerateRequest = z.infer<typeof RerateRequest>;

export interface RerateAnswer {
  readonly attempts: number;
  readonly entries: number;
  readonly amountPico: string;
  /** Attempts the new version has no price for: left as they are. */
  readonly unpriced: number;
}

export const INVOICE_FORMATS = ['ndjson', 'csv'] as const;
/** Content types of an invoice, by its format. */
export const INVOICE_TYPES = { ndjson: 'application/x-ndjson', csv: 'text/csv' } as const;
/** Beside the invoice itself, which is the request's body and is read as it comes. */
export const ReconcileRequest = z.strictObject({
  provider: z.string().min(1),
  format: z.enum(INVOICE_FORMATS),
  since: Day,
  until: Day,
});
export type ReconcileRequest = z.infer<typeof ReconcileRequest>;

/**
 * Why an invoice and the ledger differ in an attempt. `not-ours`: nobody here made it. `not-billed`: ours, not on the invoice. `bounded`:
 * it was cut, the provider billed at most the bound that was charged. `over-bound`: the same, above it. `price-differs`: the same usage at
 * other prices. `usage-differs`: other counts. `unpriced`: ours, without a price. `billed-twice`: more than one line for an attempt.
 */
export type DifferenceKind =
  | 'not-ours'
  | 'not-billed'
  | 'bounded'
  | 'over-bound'
  | 'price-differs'
  | 'usage-differs'
  | 'unpriced'
  | 'billed-twice';

export interface InvoiceDifference {
  readonly kind: DifferenceKind;
  readonly day: string;
  readonly attemptId: string | null;
  readonly model: string;
  readonly billedPico: string;
  readonly chargedPico: string;
  /** For a person: what differs, in figures. */
  readonly detail: string;
}

export interface ReconciledDay {
  readonly provider: string;
  readonly day: string;
  readonly billedPico: string;
  readonly chargedPico: string;
  readonly invoiceLines: number;
  /** Lines that agree to the last pico-USD. */
  readonly matched: number;
  /** Share of what was billed that the ledger has charges for, in millionths; null where nothing was billed. */
  readonly capturedMillionths: number | null;
}

export interface ReconcileAnswer {
  readonly days: readonly ReconciledDay[];
  readonly differences: readonly InvoiceDifference[];
  /** How many of each kind; `differences` holds the first 10,000. */
  readonly counts: Readonly<Partial<Record<DifferenceKind, number>>>;
}
