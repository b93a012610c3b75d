import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { UsageError, type Command } from '../command.js';
import { readHome } from '../settings.js';
import { AuditFault } from './audit-fault.js';
import { renderReport, type AuditReport } from './audit-report.js';
import { exportLog } from './export-log.js';
import { ProofRefusal, checkProof, proveEvent } from './prove.js';
import { rotateKey } from './rotate-key.js';
import { openStack, type StackAccess } from './stack-access.js';
import { verifyOffline } from './verify-offline.js';
import { verifyOnline } from './verify-online.js';

const AUDIT_USAGE = `weir audit verify [--from TIME] [--to TIME] [--key KEY] [--settle SECONDS] [--threads N] [--json]
                  [--home DIR]
                             the whole record: leaves, columns, roots, signatures, sequences, charges
weir audit verify --offline FILE [--key KEY] [--json]
                             an export, with nothing but the file
weir audit prove EVENT_ID --out FILE [--home DIR]
                             a proof that the event is in the log
weir audit check-proof FILE --key KEY
                             checks a proof with nothing but the public key
weir audit export --out FILE [--home DIR]
                             the log with its checkpoints and public keys, as NDJSON
weir audit keys [--home DIR] the log's public keys, oldest first
weir audit rotate-key [--home DIR]
                             a new key; audit signs with it from its next checkpoint on

KEY is a public key, or a file that holds one. TIME is ISO 8601. Exits with 0 where everything holds, 1 where a fault was found, 2 where
nothing could be verified.`;

interface AuditArguments {
  readonly operands: readonly string[];
  readonly home: string;
  readonly isJson: boolean;
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly key: string | undefined;
  readonly out: string | undefined;
  readonly offline: string | undefined;
  readonly settleMs: number;
  readonly threads: number | undefined;
}

export const auditCommand: Command = { usage: AUDIT_USAGE, run: runAudit };

/** Runs `weir audit …` and returns the exit code. @throws UsageError, and whatever keeps it from verifying. */
async function runAudit(argv: readonly string[]): Promise<number> {
  const { command, given } = parse(argv);
  try {
    return await run(command, given);
  } catch (error) {
    // What is found on the way to something else is found all the same.
    if (!(error instanceof AuditFault)) throw error;
    console.error(`FAULT ${error.code}: ${error.message} (${JSON.stringify(error.place)})`);
    return 1;
  }
}

async function run(command: string | undefined, given: AuditArguments): Promise<number> {
  switch (command) {
    case 'verify':
      return verify(given);
    case 'prove':
      return prove(given);
    case 'check-proof':
      return check(given);
    case 'export':
      return exportAll(given);
    case 'keys':
      return withStack(given, showKeys);
    case 'rotate-key':
      return withStack(given, (access) => rotateKey(access, given.home));
    default:
      throw new UsageError(command === undefined ? 'Which audit command?' : `There is no audit command ${command}.`);
  }
}

function parse(argv: readonly string[]): { command: string | undefined; given: AuditArguments } {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: {
      home: text,
      from: text,
      to: text,
      key: text,
      out: text,
      offline: text,
      settle: text,
      threads: text,
      json: { type: 'boolean' },
    },
    allowPositionals: true,
  });
  const [command, ...operands] = positionals;
  const given = {
    operands,
    home: readHome(values.home),
    isJson: values.json ?? false,
    from: parseTime(values.from),
    to: parseTime(values.to),
    key: readKey(values.key),
    out: values.out,
    offline: values.offline,
    settleMs: parseSettle(values.settle),
    threads: parseThreads(values.threads),
  };
  return { command, given };
}

function parseThreads(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^(?:[1-9]|[1-5]\d|6[0-4])$/.test(text)) throw new UsageError(`Not a number of threads from 1 to 64: ${text}.`);
  return Number(text);
}

/** What is under way while a stack runs has landed by then. */
const SETTLES_WITHIN_S = 15;

function parseSettle(text: string | undefined): number {
  const seconds = text === undefined ? SETTLES_WITHIN_S : Number(text);
  if (!(seconds >= 0)) throw new UsageError(`Not a number of seconds: ${text}.`);
  return seconds * 1_000;
}

function parseTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new UsageError(`Not a time: ${text}. Write 2026-11-22 or 2026-11-22T08:00:00Z.`);
  return time;
}

/** A public key, or what stands in the file of that name. */
function readKey(text: string | undefined): string | undefined {
  if (text === undefined || !existsSync(text)) return text;
  return readFileSync(text, 'utf8').trim();
}

async function withStack(given: AuditArguments, work: (access: StackAccess) => Promise<number>): Promise<number> {
  const access = await openStack(given.home);
  try {
    return await work(access);
  } finally {
    await access.close();
  }
}

async function verify(given: AuditArguments): Promise<number> {
  const { offline, from, to, key: publicKey, settleMs, threads } = given;
  if (offline !== undefined && (from !== undefined || to !== undefined)) {
    throw new UsageError('An export is verified whole: --offline goes without --from and --to.');
  }
  if (offline !== undefined) return tell(await verifyOffline(offline, publicKey), given);
  return withStack(given, async (access) =>
    tell(await verifyOnline(access, { from, to, publicKey, settleMs, threads }), given),
  );
}

function tell(report: AuditReport, { isJson }: AuditArguments): number {
  console.log(isJson ? JSON.stringify(report, undefined, 2) : renderReport(report));
  return report.ok ? 0 : 1;
}

async function prove(given: AuditArguments): Promise<number> {
  const [eventId] = given.operands;
  const { out } = given;
  if (eventId === undefined || out === undefined) throw new UsageError('prove takes an EVENT_ID and --out FILE.');
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(eventId))
    throw new UsageError(`Not an event's id: ${eventId}.`);
  return withStack(given, async (access) => {
    try {
      await proveEvent(access, eventId.toLowerCase(), out);
    } catch (error) {
      if (!(error instanceof ProofRefusal)) throw error;
      console.error(error.message);
      return 1;
    }
    console.log(`${out} proves that event ${eventId} is in the log: weir audit check-proof ${out} --key KEY`);
    return 0;
  });
}

function check({ operands, key }: AuditArguments): number {
  const [file] = operands;
  if (file === undefined || key === undefined) throw new UsageError('check-proof takes a FILE and --key KEY.');
  const verdict = checkProof(readFileSync(file, 'utf8'), key);
  if (!verdict.ok) {
    console.log(`FAULT ${verdict.code}: ${verdict.message}`);
    return 1;
  }
  const { leaf, index, checkpoint } = verdict.proven;
  console.log(
    `Leaf ${index} of ${checkpoint.origin} at ${checkpoint.size} leaves (${checkpoint.extensions.join(', ')}):`,
  );
  console.log(Buffer.from(leaf).toString('utf8'));
  return 0;
}

async function exportAll(given: AuditArguments): Promise<number> {
  const { out } = given;
  if (out === undefined) throw new UsageError('export takes --out FILE.');
  return withStack(given, async (access) => {
    const { leaves, checkpoints } = await exportLog(access, out);
    console.log(
      `${out}: ${leaves} leaves, ${checkpoints} checkpoints. Verify it: weir audit verify --offline ${out} --key KEY`,
    );
    return 0;
  });
}

async function showKeys({ store }: StackAccess): Promise<number> {
  const rows: unknown = await store.query('SELECT verifier_key FROM audit.log_keys ORDER BY first_signed_at');
  for (const row of rows as { verifier_key: string }[]) console.log(row.verifier_key);
  return 0;
}
