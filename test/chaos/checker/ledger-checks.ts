import pg from 'pg';
import type { ChaosStack } from '../chaos-stack.js';
import { pico, query } from '../../e2e/record-kit.js';
import type { Finding } from './finding.js';
import type { MoneyTotals } from './money-checks.js';
import { runWeir } from './weir-command.js';

/** USD with its twelve decimals. */
const usd = (amount: bigint): string => `${amount / 10n ** 12n}.${String(amount % 10n ** 12n).padStart(12, '0')}`;

interface Sum {
  readonly lines: string;
  readonly amount: string;
}

/** Closes every hour, and holds the ledger against the charges, the attempts and the invoice; prints all four. */
export async function checkLedger({ stack }: ChaosStack, totals: MoneyTotals): Promise<Finding[]> {
  const connection = stack.readConnection();
  const closed = await runWeir(connection.home, ['billing', 'close', '--now', '--by', 'chaos']);
  if (closed.code !== 0)
    return [{ check: `ledger: weir billing close exits with ${closed.code}`, what: closed.output.trim() }];
  const [charged] = await query<Sum>(connection, 'SELECT count() AS lines, sum(cost) AS amount FROM charges_landed');
  const ledger = await readLedger(connection.postgres.url);
  const chargedPico = pico(charged?.amount ?? '0');
  const attemptsPico = totals.reportedPico + totals.otherPico;
  console.log(
    [
      `                        counted by the provider      cut, or not counted          together`,
      `invoice             ${row(totals.reportedBilledPico, totals.otherBilledPico)}`,
      `attempts            ${row(totals.reportedPico, totals.otherPico)}  ${totals.attempts} attempts`,
      `charges             ${''.padStart(52)}${usd(chargedPico).padStart(26)}  ${charged?.lines} lines`,
      `ledger              ${''.padStart(52)}${usd(ledger.amountPico).padStart(26)}  ${ledger.entries} entries`,
    ].join('\n'),
  );
  const isEqual =
    chargedPico === attemptsPico && ledger.amountPico === attemptsPico && ledger.entries === Number(charged?.lines);
  const isBilled = totals.reportedPico === totals.reportedBilledPico && totals.otherPico >= totals.otherBilledPico;
  return isEqual && isBilled
    ? []
    : [{ check: 'ledger: record, charges, ledger and invoice do not agree', what: 'see the table above' }];
}

const row = (counted: bigint, other: bigint): string =>
  [counted, other, counted + other].map((amount) => usd(amount).padStart(26)).join('');

async function readLedger(url: string): Promise<{ readonly entries: number; readonly amountPico: bigint }> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, query_timeout: 60_000 });
  await client.connect();
  try {
    const { rows } = await client.query<{ entries: string; amount: string }>(
      'SELECT count(*) AS entries, coalesce(sum(amount_pico), 0) AS amount FROM billing.ledger_entries',
    );
    return { entries: Number(rows[0]?.entries), amountPico: BigInt(rows[0]?.amount ?? '0') };
  } finally {
    await client.end();
  }
}
