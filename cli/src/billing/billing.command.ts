import { closeSync, openSync, writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  INVOICE_FORMATS,
  INVOICE_TYPES,
  REPORT_DIMENSIONS,
  type CloseAnswer,
  type CloseMonthAnswer,
  type EntriesAnswer,
  type ReconcileAnswer,
  type ReconcileRequest,
  type ReportAnswer,
  type RerateAnswer,
  type SetAsideAnswer,
  type SetAsideLine,
} from '@weir/contracts';
import { BillingClient } from '../billing-client.js';
import { UsageError, oneOf, required, type Command } from '../command.js';
import { readHome, readOperator } from '../settings.js';
import {
  isExplained,
  isSomethingOpen,
  renderClose,
  renderEntriesCsv,
  renderMonth,
  renderReconciliation,
  renderReport,
  renderReportCsv,
  renderRerate,
  renderSetAside,
} from './billing-report.js';

const OPTIONS = {
  home: { type: 'string' },
  json: { type: 'boolean' },
  csv: { type: 'boolean' },
  by: { type: 'string' },
  month: { type: 'string' },
  now: { type: 'boolean' },
  real: { type: 'boolean' },
  out: { type: 'string' },
  provider: { type: 'string' },
  model: { type: 'string' },
  tier: { type: 'string' },
  format: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  reason: { type: 'string' },
  'dry-run': { type: 'boolean' },
  'accept-open': { type: 'string' },
} as const;

const parse = (commandArguments: readonly string[]) =>
  parseArgs({ args: [...commandArguments], options: OPTIONS, allowPositionals: true });
type Parsed = ReturnType<typeof parse>;
type Action = (client: BillingClient, parsed: Parsed, names: readonly string[]) => Promise<number>;

const PATH = '/admin/v1/billing';

const ACTIONS: Readonly<Record<string, Action>> = {
  close,
  open: showOpen,
  report,
  export: exportEntries,
  rerate,
  reconcile,
};

/** `weir billing`: the ledger. */
export const billingCommand: Command = {
  usage: `weir billing close [--now] [--by NAME]             closes the hours that have ended; --now the running one too
weir billing close --month YYYY-MM             closes a month for ever; what is set aside of it keeps it open,
     [--accept-open WHY]                       unless somebody says why it does not
weir billing open [--month YYYY-MM]            what is recorded and not booked: amounts at fault, and counts that contradict
weir billing report --month YYYY-MM --by ${REPORT_DIMENSIONS.join('|')}
     [--real] [--csv]                          what was used in a month, and for how much; --real without the simulator
weir billing export --month YYYY-MM --out FILE every entry of a month, as CSV
weir billing rerate --provider P --model M --since DAY --until DAY --to VERSION --reason WHY
     [--from VERSION] [--tier T] [--dry-run]   rates what is booked anew: what has no price, or what has --from
weir billing reconcile FILE --provider P --since DAY --until DAY [--format ${INVOICE_FORMATS.join('|')}]
                                               a provider's invoice against the ledger`,

  async run(commandArguments) {
    const parsed = parse(commandArguments);
    const [name = '', ...rest] = parsed.positionals;
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (action === undefined) throw new UsageError(`weir billing takes ${Object.keys(ACTIONS).join(', ')}`);
    return action(BillingClient.of(readHome(parsed.values.home)), parsed, rest);
  },
};

function show<Answer>({ values }: Parsed, answer: Answer, render: (answer: Answer) => string): void {
  console.log(values.json === true ? JSON.stringify(answer, null, 2) : render(answer));
}

async function close(client: BillingClient, parsed: Parsed): Promise<number> {
  const { month, now, by } = parsed.values;
  const operator = readOperator(by);
  if (month !== undefined) {
    const acceptOpen = parsed.values['accept-open'];
    const request = { month, by: operator, ...(acceptOpen === undefined ? {} : { acceptOpen }) };
    show(parsed, await client.post<CloseMonthAnswer>(`${PATH}/close-month`, request), renderMonth);
    return 0;
  }
  const answer = await client.post<CloseAnswer>(`${PATH}/close`, { by: operator, early: now ?? false });
  show(parsed, answer, renderClose);
  return isSomethingOpen(answer) ? 1 : 0;
}

/** 1 where anything is set aside. */
async function showOpen(client: BillingClient, parsed: Parsed): Promise<number> {
  const { month } = parsed.values;
  const rows: SetAsideLine[] = [];
  for (let after: number | null = 0; after !== null;) {
    const query: Record<string, string> = { after: String(after), ...(month === undefined ? {} : { month }) };
    const page: SetAsideAnswer = await client.get(`${PATH}/open`, query);
    rows.push(...page.rows);
    after = page.next;
  }
  show(parsed, rows, renderSetAside);
  return rows.length === 0 ? 0 : 1;
}

async function report(client: BillingClient, parsed: Parsed): Promise<number> {
  const { month, by, real, csv } = parsed.values;
  const answer = await client.get<ReportAnswer>(`${PATH}/report`, {
    month: required(month, 'month'),
    by: oneOf(by ?? 'team', REPORT_DIMENSIONS, 'by'),
    real: String(real ?? false),
  });
  if (csv === true) process.stdout.write(renderReportCsv(answer));
  else show(parsed, answer, renderReport);
  return 0;
}

async function exportEntries(client: BillingClient, { values }: Parsed): Promise<number> {
  const month = required(values.month, 'month');
  const out = required(values.out, 'out');
  // Who spent what is nobody else's business on this machine.
  const file = openSync(out, 'w', 0o600);
  let entries = 0;
  try {
    for (let after: number | null = 0; after !== null;) {
      const page: EntriesAnswer = await client.get(`${PATH}/entries`, { month, after: String(after) });
      writeSync(file, renderEntriesCsv(page.rows, { withHeader: after === 0 }));
      entries += page.rows.length;
      after = page.next;
    }
  } finally {
    closeSync(file);
  }
  console.log(`${entries} entries of ${month} in ${out}`);
  return 0;
}

async function rerate(client: BillingClient, parsed: Parsed): Promise<number> {
  const { values } = parsed;
  const answer = await client.post<RerateAnswer>(`${PATH}/rerate`, {
    from: values.from ?? null,
    to: required(values.to, 'to'),
    provider: required(values.provider, 'provider'),
    model: required(values.model, 'model'),
    ...(values.tier === undefined ? {} : { tier: values.tier }),
    since: required(values.since, 'since'),
    until: required(values.until, 'until'),
    by: readOperator(values.by),
    reason: required(values.reason, 'reason'),
    dryRun: values['dry-run'] ?? false,
  });
  show(parsed, answer, (done) => renderRerate(done, values['dry-run'] ?? false));
  return answer.unpriced === 0 ? 0 : 1;
}

/** 1 where a difference needs somebody: a bound that was charged for a cut answer does not. */
async function reconcile(client: BillingClient, parsed: Parsed, files: readonly string[]): Promise<number> {
  const [file, ...more] = files;
  if (file === undefined || more.length > 0) throw new UsageError('name one file with the invoice');
  const { values } = parsed;
  const format = oneOf(values.format ?? (file.endsWith('.csv') ? 'csv' : 'ndjson'), INVOICE_FORMATS, 'format');
  const query: ReconcileRequest = {
    provider: required(values.provider, 'provider'),
    format,
    since: required(values.since, 'since'),
    until: required(values.until, 'until'),
  };
  const answer = await client.upload<ReconcileAnswer>(`${PATH}/reconcile`, {
    name: file,
    type: INVOICE_TYPES[format],
    query,
  });
  show(parsed, answer, renderReconciliation);
  return isExplained(answer) ? 0 : 1;
}
