import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import { startStack, type RunningStack } from '@weir/testing';
import { readUsage, subtractUsage } from '../process-usage.js';
import { EventWriter } from './event-writer.js';
import { EVENTS_A_CALL, generateCalls, type CallPattern } from './generated-events.js';

const WEIR = fileURLToPath(new URL('../../../../cli/bin/weir.mjs', import.meta.url));
const LAND_WITHIN_MS = 600_000;

/** One figure of the record, and what was wanted of it. */
export interface RecordFigure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly wanted: number;
  readonly isMet: boolean;
  readonly detail: string;
}

type Measured = Omit<RecordFigure, 'isMet'>;
const atMost = (figure: Measured): RecordFigure => ({ ...figure, isMet: figure.value <= figure.wanted });
const atLeast = (figure: Measured): RecordFigure => ({ ...figure, isMet: figure.value >= figure.wanted });

/** Measures landing and verification on events made after those of a real call, in a stack of their own. */
export async function measureRecord(calls: number): Promise<readonly RecordFigure[]> {
  const stack = await startStack();
  try {
    const pattern = await recordPattern(stack);
    return [...(await measureLanding(stack, pattern, calls)), ...(await measureVerify(stack))];
  } finally {
    await stack.stop();
  }
}

async function query<Row>(stack: RunningStack, sql: string): Promise<Row[]> {
  const { url, user, password, database } = stack.connection.clickhouse;
  const answer = await fetch(`${url}/?database=${database}`, {
    method: 'POST',
    body: `${sql} FORMAT JSONEachRow`,
    headers: { 'x-clickhouse-user': user, 'x-clickhouse-key': password },
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}

/** Makes one call, and takes the lines its producers have written of it. */
async function recordPattern(stack: RunningStack): Promise<CallPattern> {
  const { gateway } = stack.connection;
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: 'How high is the water today?' }] }),
  });
  if (!answer.ok) throw new Error(await answer.text());
  await answer.arrayBuffer();
  const deadline = Date.now() + 60_000;
  for (;;) {
    const rows = await query<{ type: string; leaf: string }>(
      stack,
      'SELECT type, leaf FROM events WHERE call_id IS NOT NULL ORDER BY producer_id, epoch, sequence',
    );
    const linesOf = (prefix: string): string[] =>
      rows.filter(({ type }) => type.startsWith(prefix)).map(({ leaf }) => leaf);
    if (rows.length === EVENTS_A_CALL) return { ingress: linesOf('call.'), providers: linesOf('attempt.') };
    if (Date.now() > deadline) throw new Error(`one call has ${rows.length} events`);
    await pause(200);
  }
}

async function countLanded(stack: RunningStack): Promise<{ readonly events: number; readonly attempts: number }> {
  const [row] = await query<{ events: string; attempts: string }>(
    stack,
    'SELECT (SELECT count() FROM events WHERE call_id IS NOT NULL) AS events, (SELECT count() FROM attempts_landed) AS attempts',
  );
  return { events: Number(row?.events), attempts: Number(row?.attempts) };
}

async function measureLanding(stack: RunningStack, pattern: CallPattern, calls: number): Promise<RecordFigure[]> {
  const events = calls * EVENTS_A_CALL;
  const roots = [stack.launcherPid];
  const before = readUsage(roots);
  const startedAt = performance.now();
  const writer = EventWriter.open(stack.connection.nats.url);
  for (const batch of generateCalls(pattern, calls)) await writer.publish(batch);
  await writer.close();
  const deadline = Date.now() + LAND_WITHIN_MS;
  for (let landed = await countLanded(stack); landed.events < events + EVENTS_A_CALL || landed.attempts < calls + 1;) {
    if (Date.now() > deadline) throw new Error(`landed ${JSON.stringify(landed)} of ${events} events`);
    await pause(250);
    landed = await countLanded(stack);
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const cpu = [...subtractUsage(readUsage(roots), before)];
  const micros = (role: string): number =>
    cpu.filter(([name]) => name.includes(role)).reduce((sum, [, spent]) => sum + spent, 0) / events;
  const shares = cpu.map(([role, spent]) => `${role} ${(spent / events).toFixed(1)}`).join(' · ');
  return [
    atMost({
      name: 'landing, CPU of audit',
      value: micros('audit'),
      unit: 'µs/event',
      wanted: 25,
      detail: `all processes: ${shares}`,
    }),
    atLeast({
      name: 'landing, through audit and billing at once',
      value: events / seconds,
      unit: 'events/s',
      wanted: 20_000,
      detail: `${events} events`,
    }),
  ];
}

async function measureVerify(stack: RunningStack): Promise<RecordFigure[]> {
  const report = await new Promise<{ ok: boolean; seconds: number; counts: { leaves: number } }>((resolve, reject) => {
    const commandArguments = [WEIR, 'audit', 'verify', '--json', '--home', stack.home];
    execFile(process.execPath, commandArguments, { maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      if (error && stdout === '') reject(new Error(stderr, { cause: error }));
      else resolve(JSON.parse(stdout) as { ok: boolean; seconds: number; counts: { leaves: number } });
    });
  });
  if (!report.ok) throw new Error(`the record does not verify: ${JSON.stringify(report)}`);
  const { seconds, counts } = report;
  return [
    atLeast({
      name: 'weir audit verify',
      value: counts.leaves / seconds,
      unit: 'events/s',
      wanted: 100_000,
      detail: `${counts.leaves} leaves in ${seconds} s`,
    }),
  ];
}

export function printFigures(figures: readonly RecordFigure[]): void {
  for (const { name, value, unit, wanted, isMet, detail } of figures) {
    const shown = value >= 1_000 ? Math.round(value).toLocaleString('en-US') : value.toFixed(1);
    process.stdout.write(`${isMet ? 'ok    ' : 'MISSED'}  ${name}: ${shown} ${unit} (wanted ${wanted}) ${detail}\n`);
  }
}
