import type { Finding } from './checker/finding.js';

/** One line of the summary. */
export interface FaultReport {
  readonly name: string;
  readonly calls: number;
  readonly answered: number;
  readonly refused: number;
  readonly cut: number;
  readonly left: number;
  readonly lost: number;
  readonly duplicates: number;
  /** Recorded minus billed, over everything so far where usage was reported. */
  readonly differencePico: bigint | undefined;
  readonly lagSeconds: number | undefined;
  readonly verify: string;
  readonly memory: string;
  readonly seconds: number;
  readonly findings: readonly Finding[];
}

const HEADER = [
  ...['fault', 'calls', 'answered', 'refused', 'cut', 'left', 'lost', 'doubles'],
  ...['billed − invoice', 'lag s', 'verify', 'largest MB', 's', ''],
];

/** The table of all faults, one a line. */
export function renderSummary(reports: readonly FaultReport[]): string {
  const rows = reports.map((report) => [
    report.name,
    ...[report.calls, report.answered, report.refused, report.cut, report.left].map(String),
    ...[report.lost, report.duplicates].map(String),
    report.differencePico === undefined ? '?' : `${report.differencePico} pico`,
    report.lagSeconds === undefined ? 'never' : report.lagSeconds.toFixed(1),
    report.verify,
    report.memory,
    report.seconds.toFixed(0),
    report.findings.length === 0 ? 'ok' : 'FAILED',
  ]);
  const widths = HEADER.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  return [HEADER, ...rows]
    .map((row) =>
      row
        .map((cell, column) => pad(cell, widths[column] ?? 0, column))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const pad = (cell: string, width: number, column: number): string =>
  column === 0 ? cell.padEnd(width) : cell.padStart(width);

/** What failed, where, and the options that repeat it. */
export function renderFindings(findings: readonly Finding[], options: string): string {
  return [
    ...findings.map(({ check, what }) => `  ✗ ${check}\n      ${what.replaceAll('\n', '\n      ')}`),
    `  again: npm run chaos -- ${options}`,
  ].join('\n');
}
