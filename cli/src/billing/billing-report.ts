import type {
  CloseAnswer,
  CloseMonthAnswer,
  LedgerRow,
  OpenSum,
  ReconcileAnswer,
  ReconciledDay,
  ReportAnswer,
  RerateAnswer,
  SetAsideLine,
} from '@weir/contracts';
import { renderCsv, renderTable, usd } from '../table.js';

export function renderClose(answer: CloseAnswer): string {
  if (answer.closedBefore === null) return 'nothing to close: the record has no charge yet';
  const { hours, charges, late, corrections, unpriced, open } = answer;
  return [
    `closed: everything before ${answer.closedBefore}`,
    `now: ${hours} hours, ${charges} charges, ${late} late, ${corrections} corrections, ${usd(answer.amountPico)} USD`,
    ...(unpriced === 0 ? [] : [`! ${unpriced} lines of the ledger have no price: see weir billing rerate`]),
    ...renderOpenSum(open),
  ].join('\n');
}

/** A line for a person where anything is set aside. */
function renderOpenSum({ faults, conflicts, amountPico }: OpenSum): string[] {
  if (faults + conflicts === 0) return [];
  return [
    `! set aside: ${faults} attempts with faults, ${conflicts} with conflicts, ${usd(amountPico)} USD recorded: see weir billing open`,
  ];
}

export const isSomethingOpen = ({ open }: { readonly open: OpenSum }): boolean => open.faults + open.conflicts > 0;

/** What is set aside, an event a paragraph, with what the record says and what is booked. */
export function renderSetAside(lines: readonly SetAsideLine[]): string {
  if (lines.length === 0) return 'nothing is set aside';
  return lines
    .map(({ kind, month, hour, attemptId, origin, line, bucket, quantity, ...rest }) => {
      const recorded = rest.recordedPico === null ? 'no amount' : `${usd(rest.recordedPico)} USD`;
      const booked = rest.bookedPico === null ? 'nothing booked' : `${usd(rest.bookedPico)} USD booked`;
      const what = line < 0 ? 'nothing used' : `${quantity} ${bucket}`;
      return [
        `${kind.padEnd(8)}  ${month}  ${hour}  ${attemptId}  ${rest.provider}/${rest.model}: ${what}, ${recorded}, ${booked}`,
        `          ${rest.reason}; event ${origin}, line ${line}, first seen ${rest.firstSeen}`,
      ].join('\n');
    })
    .join('\n');
}

export function renderMonth({ month, closedAt, closedBy, entries, amountPico }: CloseMonthAnswer): string {
  return `${month} is closed since ${closedAt} by ${closedBy}: ${entries} entries, ${usd(amountPico)} USD`;
}

const REPORT_HEADER = ['name', 'attempts', 'quantity', 'usd', 'lines without a price'];
const reportRows = ({ rows }: ReportAnswer): string[][] =>
  rows.map((row) => [row.name, String(row.attempts), row.quantity, usd(row.amountPico), String(row.unpricedLines)]);

export function renderReport(answer: ReportAnswer): string {
  const state = answer.closedAt === null ? 'open' : `closed since ${answer.closedAt}`;
  const table = renderTable(REPORT_HEADER, reportRows(answer), [1, 2, 3, 4]);
  const sum = [`together ${usd(answer.amountPico)} USD`, ...renderOpenSum(answer.open)].join('\n');
  return `${answer.month}, ${state}\n\n${table}\n\n${sum}`;
}

export const renderReportCsv = (answer: ReportAnswer): string => renderCsv([REPORT_HEADER, ...reportRows(answer)]);

const ENTRY_COLUMNS: readonly (keyof LedgerRow)[] = [
  ...(['entry', 'month', 'kind', 'chargedAt', 'attemptId', 'line', 'revision'] as const),
  ...(['organisationId', 'teamId', 'personId', 'keyId', 'application'] as const),
  ...(['provider', 'model', 'upstreamModel', 'region', 'bucket', 'quantity', 'ratePico', 'amountPico'] as const),
  ...(['priceVersion', 'usageSource', 'simulated'] as const),
];

/** Every entry, amounts in pico-USD and in USD. A line without a price has no amount, which is not 0. */
export function renderEntriesCsv(rows: readonly LedgerRow[], { withHeader }: { readonly withHeader: boolean }): string {
  const cells = rows.map((row) => [
    ...ENTRY_COLUMNS.map((column) => String(row[column] ?? '')),
    row.amountPico === null ? '' : usd(row.amountPico),
  ]);
  return renderCsv(withHeader ? [[...ENTRY_COLUMNS, 'amountUsd'], ...cells] : cells);
}

export function renderRerate({ attempts, entries, amountPico, unpriced }: RerateAnswer, isDryRun: boolean): string {
  return [
    `${isDryRun ? 'would rate' : 'rated'} ${attempts} attempts anew: ${entries} entries, ${usd(amountPico)} USD`,
    ...(unpriced === 0 ? [] : [`! ${unpriced} attempts have no price at that version either`]),
  ].join('\n');
}

/** Whether every difference is one that nobody has to look at. */
export function isExplained({ counts }: ReconcileAnswer): boolean {
  return Object.entries(counts).every(([kind, count]) => kind === 'bounded' || count === 0);
}

const DIFFERENCES_SHOWN = 50;

export function renderReconciliation(answer: ReconcileAnswer): string {
  const days = renderTable(
    ['provider', 'day', 'billed usd', 'charged usd', 'lines', 'agree', 'captured'],
    answer.days.map((day) => [
      ...[day.provider, day.day, usd(day.billedPico), usd(day.chargedPico)],
      ...[String(day.invoiceLines), String(day.matched), renderShare(day)],
    ]),
    [2, 3, 4, 5, 6],
  );
  const counts = Object.entries(answer.counts).map(([kind, count]) => `${count} ${kind}`);
  const shown = answer.differences.slice(0, DIFFERENCES_SHOWN);
  return [
    days,
    '',
    counts.length === 0 ? 'no differences' : `differences: ${counts.join(', ')}`,
    ...shown.map(
      (one) => `  ${one.day}  ${one.kind.padEnd(13)}  ${one.attemptId ?? 'no id'}  ${one.model}: ${one.detail}`,
    ),
    ...(answer.differences.length > shown.length ? ['  … all of them with --json'] : []),
  ].join('\n');
}

/** Four decimals of a per cent: exactly the millionths. */
function renderShare({ capturedMillionths }: ReconciledDay): string {
  if (capturedMillionths === null) return 'nothing billed';
  return `${Math.floor(capturedMillionths / 10_000)}.${String(capturedMillionths % 10_000).padStart(4, '0')} %`;
}
