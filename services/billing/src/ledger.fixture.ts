import { CHARGE_BUCKETS, uuidv7, type ChargeBucket } from '@weir/contracts';
import type { Warehouse } from '@weir/warehouse';

/** Pico-USD a token of `simulator/sim-anthropic@2026-01-01`. */
const RATES: Readonly<Partial<Record<ChargeBucket, bigint>>> = {
  inputUncached: 3_000_000n,
  inputCacheWrite1h: 6_000_000n,
  output: 15_000_000n,
};

export interface TestCharge {
  readonly attemptId?: string;
  /** ISO time the attempt ended at. */
  readonly at: string;
  readonly tokens: Readonly<Partial<Record<ChargeBucket, number>>>;
  readonly usageSource?: string;
  readonly isUnpriced?: boolean;
  /** Written instead of what the price makes of it. */
  readonly costUsd?: string;
  readonly priceVersion?: string;
}

const COLUMNS = [
  ...[
    'charged_at',
    'attempt_id',
    'line',
    'call_id',
    'attempt_no',
    'organisation_id',
    'team_id',
    'person_id',
    'key_id',
    'application',
  ],
  ...[
    'region',
    'provider',
    'deployment_id',
    'model_served',
    'upstream_model',
    'bucket',
    'quantity',
    'unit_price',
    'cost',
  ],
  ...['price_version', 'unpriced', 'usage_source', 'simulated', 'producer_id', 'epoch', 'sequence'],
];
const NULL = '\\N';
const usd = (pico: bigint): string => `${pico / 10n ** 12n}.${(pico % 10n ** 12n).toString().padStart(12, '0')}`;

let sequence = 0;

/** Puts charges into the record as billing lands them; returns their attempts and what they cost together. */
export async function landCharges(
  warehouse: Warehouse,
  charges: readonly TestCharge[],
): Promise<{ attemptIds: string[]; amountPico: bigint }> {
  const attemptIds: string[] = [];
  const producer = uuidv7();
  let amountPico = 0n;
  let lines = '';
  for (const charge of charges) {
    const attemptId = charge.attemptId ?? uuidv7();
    attemptIds.push(attemptId);
    sequence += 1;
    for (const [bucket, quantity] of Object.entries(charge.tokens) as [ChargeBucket, number][]) {
      if (charge.isUnpriced !== true) amountPico += costOf(bucket, quantity);
      const row = [
        ...describeAttempt(charge, attemptId, bucket),
        bucket,
        quantity,
        ...priceCells(charge, bucket, quantity),
      ];
      lines += `${[...row, charge.usageSource ?? 'provider', 'true', producer, 1, sequence].join('\t')}\n`;
    }
  }
  await warehouse.insertLines({ table: 'charges_landed', columns: COLUMNS, lines, token: `test:${uuidv7()}` });
  return { attemptIds, amountPico };
}

const costOf = (bucket: ChargeBucket, quantity: number): bigint => (RATES[bucket] ?? 0n) * BigInt(quantity);

function describeAttempt({ at }: TestCharge, attemptId: string, bucket: ChargeBucket): unknown[] {
  const time = at.replace('T', ' ').replace('Z', '');
  const who = ['o1', 't1', '', 'k1', ''];
  const where = ['local', 'simulator', 'd1', 'sim-anthropic', 'sim-anthropic'];
  return [time, attemptId, CHARGE_BUCKETS.indexOf(bucket), uuidv7(), 1, ...who, ...where];
}

/** Puts attempts into the record that used nothing: they have no charge. */
export async function landUnused(
  warehouse: Warehouse,
  attempts: readonly { readonly attemptId: string; readonly at: string }[],
): Promise<void> {
  const time = (at: string): string => at.replace('T', ' ').replace('Z', '');
  const columns = ['finished_at', 'attempt_id', 'usage_source', 'cost', 'unpriced', 'producer_id', 'epoch', 'sequence'];
  const who = ['organisation_id', 'team_id', 'key_id', 'provider', 'model_served'];
  const lines = attempts.map(({ attemptId, at }) =>
    [time(at), attemptId, 'none', '0', 'false', uuidv7(), 1, 1, 'o1', 't1', 'k1', 'simulator', 'sim-anthropic'].join(
      '\t',
    ),
  );
  await warehouse.insertLines({
    table: 'attempts_landed',
    columns: [...columns, ...who],
    lines: lines.map((line) => `${line}\n`).join(''),
    token: `test:${uuidv7()}`,
  });
}

function priceCells(charge: TestCharge, bucket: ChargeBucket, quantity: number): string[] {
  const { isUnpriced, costUsd, priceVersion = 'simulator/sim-anthropic@2026-01-01' } = charge;
  if (isUnpriced === true) return [NULL, NULL, '', 'true'];
  const cost = costUsd ?? usd(costOf(bucket, quantity));
  return [usd(RATES[bucket] ?? 0n), cost, priceVersion, 'false'];
}
