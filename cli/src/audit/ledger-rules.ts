import { CHARGE_BUCKETS, ServiceTier, type ChargeBucket, type PriceRecord } from '@weir/contracts';
import { EMPTY_USAGE, parseUsd, rateUsage } from '@weir/money';

/** What the ledger holds of a line, over all its revisions. */
export interface BookedLine {
  readonly line: number;
  readonly bucket: string;
  readonly quantity: bigint;
  readonly amountPico: bigint;
  /** Of the last revision; null where there is no price. */
  readonly ratePico: bigint | null;
  readonly priceVersion: string;
  /** Its revisions are numbered from 0 without a gap. */
  readonly isWhole: boolean;
}

/** A cost line of the record; line -1 where its event says that nothing was used. */
export interface RecordedLine {
  readonly origin: string;
  readonly line: number;
  readonly bucket: string;
  readonly quantity: bigint;
  readonly costUsd: string | null;
  readonly priceVersion: string;
}

/**
 * What is wrong with what is booked of an attempt, said a second time and independently of billing: its quantities must be those of one of
 * its events; its amounts what that event was charged, or what the version it is booked at makes of the same. Undefined where all is well.
 */
export function findLedgerFault(
  booked: readonly BookedLine[],
  recorded: readonly RecordedLine[],
  prices: ReadonlyMap<string, PriceRecord>,
): string | undefined {
  if (booked.some((line) => !line.isWhole)) return 'lacks a revision of a line';
  const used = booked.filter(({ quantity }) => quantity !== 0n);
  const events = groupByOrigin(recorded).filter((lines) => isSameCount(used, lines));
  if (events.length === 0) return 'holds counts that no event of it states';
  const gone = booked.find(({ quantity, amountPico }) => quantity === 0n && amountPico !== 0n);
  if (gone !== undefined) return `holds an amount of ${gone.bucket}, of which it holds nothing`;
  if (events.some((lines) => isSameAmount(used, lines))) return undefined;
  // What was booked at a price stays until a better count without one is rated: no month closes over that.
  if (used.some(({ ratePico }) => ratePico === null)) return undefined;
  return isRated(used, prices) ? undefined : 'holds amounts that its price version does not make of its counts';
}

function groupByOrigin(lines: readonly RecordedLine[]): RecordedLine[][] {
  const groups = new Map<string, RecordedLine[]>();
  for (const line of lines) groups.set(line.origin, [...(groups.get(line.origin) ?? []), line]);
  return [...groups.values()];
}

/**
 * A fee per request is no count of what was used: a version adds it, once where the event states no number of requests, or leaves it out.
 * Whether it belongs there, its version tells.
 */
function isSameCount(booked: readonly BookedLine[], recorded: readonly RecordedLine[]): boolean {
  const used = recorded.filter(({ quantity }) => quantity > 0n);
  const counted = booked.filter(isNoFee).length;
  const isStated = (line: BookedLine): boolean =>
    used.some((fact) => fact.line === line.line && fact.bucket === line.bucket && fact.quantity === line.quantity);
  const isOneFee = (line: BookedLine): boolean => !isNoFee(line) && line.quantity === 1n && counted > 0;
  return counted === used.filter(isNoFee).length && booked.every((line) => isStated(line) || isOneFee(line));
}

const isNoFee = ({ bucket }: { readonly bucket: string }): boolean => bucket !== 'requests';

function isSameAmount(booked: readonly BookedLine[], recorded: readonly RecordedLine[]): boolean {
  if (recorded.filter(({ quantity }) => quantity > 0n).length !== booked.length) return false;
  return booked.every((line) => {
    const fact = recorded.find((one) => one.line === line.line);
    if (fact === undefined || fact.priceVersion !== line.priceVersion) return false;
    if (fact.costUsd === null) return line.ratePico === null && line.amountPico === 0n;
    return line.ratePico !== null && parseUsd(fact.costUsd) === line.amountPico;
  });
}

/** The ledger keeps no tier: any of the version's may be the one that served. */
function isRated(booked: readonly BookedLine[], prices: ReadonlyMap<string, PriceRecord>): boolean {
  const price = prices.get(booked[0]?.priceVersion ?? '');
  if (price === undefined || booked.some((line) => line.priceVersion !== price.priceVersion)) return false;
  const usage = { ...EMPTY_USAGE };
  for (const { bucket, quantity } of booked) {
    if (!isChargeBucket(bucket)) return false;
    usage[bucket] = Number(quantity);
  }
  return ServiceTier.options.some((tier) => {
    const rated = rateUsage({ ...usage, tier }, price);
    return (
      rated?.lines.length === booked.length &&
      rated.lines.every(({ bucket, costPico }) =>
        booked.some((line) => line.bucket === bucket && line.amountPico === (costPico as bigint)),
      )
    );
  });
}

const isChargeBucket = (bucket: string): bucket is ChargeBucket =>
  (CHARGE_BUCKETS as readonly string[]).includes(bucket);
