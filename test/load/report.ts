import { median } from './load.js';

/** One round of one load against one target. Times in milliseconds, CPU in microseconds an answer. */
export interface Measurement {
  /** `direct`, `control`, `weir`, or the name of a peer. */
  readonly target: string;
  readonly load: string;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly cpuMicros: number;
  readonly cpuByRole: Readonly<Record<string, number>>;
  readonly residentBytes: number;
  readonly firstByteP50: number;
  readonly chunksPerSecond: number;
  readonly largestGapP99: number;
  readonly errors: number;
  readonly broken: number;
}

export interface Report {
  readonly measurements: readonly Measurement[];
  readonly answers: number;
  readonly landed: number;
  readonly seconds: number;
  /** What is switched on in each peer. */
  readonly peers: Readonly<Record<string, string>>;
  /** Peers that were asked for and could not be measured, with the reason. */
  readonly unavailable: Readonly<Record<string, string>>;
}

type Figure = { [K in keyof Measurement]: Measurement[K] extends number ? K : never }[keyof Measurement];

function medianOf(report: Report, load: string, target: Measurement['target'], figure: Figure): number {
  return median(report.measurements.filter((m) => m.load === load && m.target === target).map((m) => m[figure]));
}

const fixed = (value: number, digits = 0): string => (Number.isNaN(value) ? '–' : value.toFixed(digits));

function printRow(cells: readonly string[]): void {
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
}

function printLoads(report: Report): void {
  const loads = [...new Set(report.measurements.map((m) => m.load))];
  printRow([
    'load',
    'target',
    'per second',
    'p50 ms',
    'p99 ms',
    'added p50',
    'added p99',
    'CPU µs each',
    'first byte p50 ms',
    'chunks/s',
    'largest gap p99 ms',
    'errors',
    'broken',
  ]);
  printRow(Array.from({ length: 13 }, () => '---'));
  for (const load of loads) {
    for (const target of new Set(report.measurements.map((m) => m.target))) {
      const of = (figure: Figure, from: Measurement['target'] = target): number => medianOf(report, load, from, figure);
      const sum = (figure: 'errors' | 'broken'): number =>
        report.measurements
          .filter((m) => m.load === load && m.target === target)
          .reduce((total, m) => total + m[figure], 0);
      printRow([
        load,
        target,
        fixed(of('perSecond')),
        fixed(of('p50'), 2),
        fixed(of('p99'), 2),
        fixed(of('p50') - of('p50', 'direct'), 2),
        fixed(of('p99') - of('p99', 'direct'), 2),
        fixed(of('cpuMicros')),
        fixed(of('firstByteP50'), 1),
        fixed(of('chunksPerSecond')),
        fixed(of('largestGapP99'), 1),
        String(sum('errors')),
        String(sum('broken')),
      ]);
    }
  }
}

function printRoles(report: Report): void {
  const rounds = report.measurements.filter((m) => m.target === 'weir' && m.load === 'plain, 32 connections');
  const roles = [...new Set(rounds.flatMap((round) => Object.keys(round.cpuByRole)))];
  const shares = roles.map((role) => `${role} ${fixed(median(rounds.map((round) => round.cpuByRole[role] ?? 0)))}`);
  process.stdout.write(`\nCPU µs a call at 32 connections by process: ${shares.join(' · ')}\n`);
  const peak = Math.max(...report.measurements.filter((m) => m.target === 'weir').map((m) => m.residentBytes));
  process.stdout.write(`Resident memory of all of Weir's processes, peak: ${fixed(peak / 1024 / 1024)} MiB\n`);
}

function printPeers(report: Report): void {
  const at32 = 'plain, 32 connections';
  process.stdout.write(
    'Weir: keys, access rules, price and bound of every call, the durable record, landed and charged: all on.\n',
  );
  for (const [peer, features] of Object.entries(report.peers)) {
    const ratio = (figure: Figure): string =>
      fixed(medianOf(report, at32, 'weir', figure) / medianOf(report, at32, peer, figure), 2);
    process.stdout.write(
      `${peer} (${features}): at 32 connections Weir gives ${ratio('perSecond')} × its requests/s at ${ratio('cpuMicros')} × its CPU\n`,
    );
  }
  for (const [peer, reason] of Object.entries(report.unavailable)) {
    process.stdout.write(`${peer}: NOT MEASURED: ${reason}\n`);
  }
}

export function printReport(report: Report): void {
  printLoads(report);
  printRoles(report);
  printPeers(report);
  process.stdout.write(`Rows landed: ${report.landed} of ${report.answers} answers · ${fixed(report.seconds)} s\n`);
}

/** What the issue asks for and this run did not reach, one line each. */
export function judge(report: Report): string[] {
  const at32 = 'plain, 32 connections';
  const rate = medianOf(report, at32, 'weir', 'perSecond') / medianOf(report, at32, 'control', 'perSecond');
  const cpu = medianOf(report, at32, 'weir', 'cpuMicros') / medianOf(report, at32, 'control', 'cpuMicros');
  const at1 = 'plain, 1 connection';
  const added = medianOf(report, at1, 'weir', 'p50') - medianOf(report, at1, 'direct', 'p50');
  const weir = report.measurements.filter((m) => m.target === 'weir');
  const wrong = weir.reduce((total, m) => total + m.errors + m.broken, 0);
  process.stdout.write(
    `Requests/s at 32: ${fixed(rate, 2)} × control (wanted >= 0.34) · CPU: ${fixed(cpu, 2)} × control (wanted <= 3.9) · added p50 at 1: ${fixed(added, 2)} ms (wanted <= 2)\n`,
  );
  return [
    ...(rate >= 0.34 ? [] : [`requests/s at 32 connections ${fixed(rate, 2)} × control`]),
    ...(cpu <= 3.9 ? [] : [`CPU per request ${fixed(cpu, 2)} × control`]),
    ...(added <= 2 ? [] : [`added p50 at 1 connection ${fixed(added, 2)} ms`]),
    ...(wrong === 0 ? [] : [`${wrong} answers were errors or broken streams`]),
    ...(report.landed === report.answers ? [] : [`${report.answers - report.landed} rows did not land`]),
  ];
}
