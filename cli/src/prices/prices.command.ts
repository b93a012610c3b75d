import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { PRICE_LIST_FORMATS, type PriceListAnswer, type PriceListRequest, type PriceProposal } from '@weir/contracts';
import { BillingClient } from '../billing-client.js';
import { UsageError, oneOf, required, type Command } from '../command.js';
import { readHome, readOperator } from '../settings.js';
import { renderProposals, renderVerdicts } from './price-report.js';

const OPTIONS = {
  home: { type: 'string' },
  format: { type: 'string' },
  day: { type: 'string' },
  region: { type: 'string' },
  source: { type: 'string' },
  key: { type: 'string', multiple: true },
  new: { type: 'boolean' },
  by: { type: 'string' },
  note: { type: 'string' },
  json: { type: 'boolean' },
} as const;

const parse = (commandArguments: readonly string[]) =>
  parseArgs({ args: [...commandArguments], options: OPTIONS, allowPositionals: true });
type Parsed = ReturnType<typeof parse>;

/** `weir prices`: published lists against the price book. */
export const pricesCommand: Command = {
  usage: `weir prices diff FILE --format ${PRICE_LIST_FORMATS.join('|')} --day YYYY-MM-DD    what a published list would change
     [--region R] [--key PROVIDER/MODEL=KEY …] [--new] [--source URL]
weir prices import FILE …                      takes in what passes the gates; the rest waits (exit code 3) or is refused (1)
weir prices waiting                            what waits for approval
weir prices approve NUMBER… --note WHY         brings waiting prices into force`,

  async run(commandArguments) {
    const parsed = parse(commandArguments);
    const [action, ...rest] = parsed.positionals;
    const client = (): BillingClient => BillingClient.of(readHome(parsed.values.home));
    switch (action) {
      case 'diff':
        return showVerdicts(
          parsed,
          await client().post<PriceListAnswer>('/admin/v1/prices/diff', readList(parsed, rest)),
        );
      case 'import': {
        const request = { ...readList(parsed, rest), by: readOperator(parsed.values.by) };
        return showImport(parsed, await client().post<PriceListAnswer>('/admin/v1/prices/import', request));
      }
      case 'waiting':
        return show(parsed, await client().get<PriceProposal[]>('/admin/v1/prices/proposals'), renderProposals);
      case 'approve':
        return approve(client(), parsed, rest);
      default:
        throw new UsageError('weir prices takes diff, import, waiting or approve');
    }
  },
};

function readList({ values }: Parsed, files: readonly string[]): PriceListRequest {
  const [file, ...more] = files;
  if (file === undefined || more.length > 0) throw new UsageError('name one file with the list');
  return {
    format: oneOf(required(values.format, 'format'), PRICE_LIST_FORMATS, 'format'),
    text: readFileSync(file, 'utf8'),
    source: values.source ?? basename(file),
    day: required(values.day, 'day'),
    region: values.region ?? null,
    keys: Object.fromEntries((values.key ?? []).map(parseKey)),
    includeNew: values.new ?? false,
  };
}

function parseKey(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`--key is PROVIDER/MODEL=KEY, not ${text}`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function show<Answer>({ values }: Parsed, answer: Answer, render: (answer: Answer) => string): number {
  console.log(values.json === true ? JSON.stringify(answer, null, 2) : render(answer));
  return 0;
}

/** 1 where a price was refused: a script must not take a list for imported that was not. */
function showVerdicts(parsed: Parsed, answer: PriceListAnswer): number {
  show(parsed, answer, renderVerdicts);
  return answer.verdicts.some((verdict) => verdict.kind === 'refused') ? 1 : 0;
}

/** What an import that is not finished ends with: prices of it hold only when somebody has approved them. */
const WAITS_FOR_APPROVAL = 3;

function showImport(parsed: Parsed, answer: PriceListAnswer): number {
  const code = showVerdicts(parsed, answer);
  const waiting = answer.verdicts.flatMap(({ kind, proposal }) => (kind === 'waiting' ? [proposal] : []));
  if (waiting.length === 0) return code;
  // Beside the answer, so that --json stays one document.
  console.error(
    `${waiting.length} of these prices are not in force: approve them with weir prices approve ${waiting.join(' ')} --note WHY`,
  );
  return code === 0 ? WAITS_FOR_APPROVAL : code;
}

async function approve(client: BillingClient, parsed: Parsed, numbers: readonly string[]): Promise<number> {
  const proposals = numbers.map(Number);
  if (proposals.length === 0 || !proposals.every((number) => Number.isSafeInteger(number) && number > 0)) {
    throw new UsageError('name the proposals by their numbers: see weir prices waiting');
  }
  const { by, note } = parsed.values;
  const request = { proposals, by: readOperator(by), note: required(note, 'note') };
  const answer = await client.post<{ approved: string[] }>('/admin/v1/prices/approve', request);
  return show(parsed, answer, ({ approved }) => approved.map((version) => `in force: ${version}`).join('\n'));
}
