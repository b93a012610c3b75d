import { eventually, type Connection } from '@weir/testing';
import { expect } from 'expect';
import { request } from 'undici';
import { query } from './ingress-client.js';

/** Limits of the simulated provider at scale 1: silence shows within the 17 s that a client may have to wait. */
const TIMEOUTS = '{ connectMs: 5000, firstTokenMs: 15000, betweenTokensMs: 15000, totalMs: 300000 }';

const deployment = (provider: string, adapter: string, model: string, priority: number) =>
  `      - { provider: ${provider}, adapter: ${adapter}, model: ${model}, price: simulator/${model}, priority: ${priority}, contextWindow: 400000, maxOutputTokens: 8000 }`;

const model = (name: string, ...deployments: string[]) =>
  `  - name: ${name}\n    deployments:\n${deployments.join('\n')}`;

/** weir.yaml for these tests: the simulator behind each adapter, and models with several targets. `dead` answers nobody. */
export const CONFIGURATION = `version: 1
organisation: { id: demo, name: Demo }
teams:
  - { id: demo, name: Demo team }
keys:
  - { name: first key, secret: { env: WEIR_SEED_KEY }, team: demo }
providers:
  - id: simulator
    simulated: true
    endpoints: { openai-compatible: '\${WEIR_SIMULATOR_URL}/v1', anthropic: '\${WEIR_SIMULATOR_URL}', bedrock: '\${WEIR_SIMULATOR_URL}' }
    awsRegion: us-east-1
    timeouts: ${TIMEOUTS}
    allowPrivate: [127.0.0.0/8, '::1/128']
  - id: dead
    simulated: true
    endpoints: { openai-compatible: 'http://127.0.0.1:1/v1' }
    timeouts: ${TIMEOUTS}
    allowPrivate: [127.0.0.0/8]
  - id: narrow
    simulated: true
    endpoints: { openai-compatible: '\${WEIR_SIMULATOR_URL}/v1' }
    timeouts: ${TIMEOUTS}
    connectionsMax: 2
    allowPrivate: [127.0.0.0/8, '::1/128']
models:
${[
  model('sim-openai', deployment('simulator', 'openai-compatible', 'sim-openai', 0)),
  model('sim-anthropic', deployment('simulator', 'anthropic', 'sim-anthropic', 0)),
  model('sim-bedrock-claude', deployment('simulator', 'bedrock', 'sim-bedrock-claude', 0)),
  model('sim-bedrock-nova', deployment('simulator', 'bedrock', 'sim-bedrock-nova', 0)),
  model(
    'two-targets',
    deployment('simulator', 'openai-compatible', 'sim-deepseek', 0),
    deployment('simulator', 'openai-compatible', 'sim-qwen', 1),
  ),
  model(
    'dead-first',
    deployment('dead', 'openai-compatible', 'sim-openai', 0),
    deployment('simulator', 'openai-compatible', 'sim-qwen', 1),
  ),
  model('dead-only', deployment('dead', 'openai-compatible', 'sim-qwen', 0)),
  model('narrow', deployment('narrow', 'openai-compatible', 'sim-openai', 0)),
].join('\n')}
`;

export type ClientDialect = 'openai' | 'anthropic';

export interface CallInput {
  readonly dialect: ClientDialect;
  readonly model: string;
  readonly content: string;
  readonly stream: boolean;
  readonly maxTokens?: number;
  readonly signal?: AbortSignal;
}

/** What a client saw of a call. */
export interface SeenCall {
  readonly callId: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The error's type (Anthropic) or code (OpenAI), from the body or from inside the stream; undefined where there is none. */
  readonly error: string | undefined;
  readonly ms: number;
  /** How long this process was kept from running meanwhile: on a busy machine every other process was too. */
  readonly stutterMs: number;
}

const TICK_MS = 20;

/** Adds up how late a timer comes: the share of a wait that is the machine's and not the gateway's. */
function watchStutter(): () => number {
  let stutterMs = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    stutterMs += Math.max(0, now - last - 2 * TICK_MS);
    last = now;
  }, TICK_MS);
  return () => {
    clearInterval(timer);
    return stutterMs;
  };
}

function pathOf(dialect: ClientDialect): string {
  return dialect === 'openai' ? '/v1/chat/completions' : '/v1/messages';
}

function bodyOf({ dialect, model: name, content, stream, maxTokens }: CallInput): string {
  const limit =
    dialect === 'anthropic'
      ? { max_tokens: maxTokens ?? 1_000 }
      : maxTokens === undefined
        ? {}
        : { max_tokens: maxTokens };
  return JSON.stringify({
    model: name,
    messages: [{ role: 'user', content }],
    ...(stream ? { stream } : {}),
    ...limit,
  });
}

/** Data of every SSE frame; the last piece where the text is no stream. */
function payloads(text: string): unknown[] {
  const lines = text.split('\n').filter((line) => line.startsWith('data: ') && line !== 'data: [DONE]');
  return lines.length > 0
    ? lines.map((line) => JSON.parse(line.slice(6)) as unknown)
    : text === ''
      ? []
      : [JSON.parse(text) as unknown];
}

function errorIn(dialect: ClientDialect, text: string): string | undefined {
  for (const payload of payloads(text)) {
    const { error } = payload as { error?: { type?: string; code?: string | null } };
    if (!error) continue;
    if (dialect === 'anthropic') expect(payload).toMatchObject({ type: 'error' });
    return dialect === 'anthropic' ? error.type : (error.code ?? error.type);
  }
  return undefined;
}

/** Opens a call and returns its answer's head with a body still to be read. */
export async function open(connection: Connection, input: CallInput) {
  return request(new URL(pathOf(input.dialect), connection.gateway.url), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(input.dialect === 'openai'
        ? { authorization: `Bearer ${connection.gateway.key}` }
        : { 'x-api-key': connection.gateway.key, 'anthropic-version': '2023-06-01' }),
    },
    body: bodyOf(input),
    headersTimeout: 120_000,
    bodyTimeout: 120_000,
    ...(input.signal ? { signal: input.signal } : {}),
  });
}

/** Makes a call and reads its answer to the end. */
export async function callModel(connection: Connection, input: CallInput): Promise<SeenCall> {
  const startedAt = performance.now();
  const stutter = watchStutter();
  const answer = await open(connection, input);
  const text = await answer.body.text();
  const callId = answer.headers['x-request-id'];
  if (typeof callId !== 'string') throw new Error('an answer without x-request-id');
  return {
    callId,
    status: answer.statusCode,
    headers: answer.headers,
    text,
    error: errorIn(input.dialect, text),
    ms: performance.now() - startedAt,
    stutterMs: stutter(),
  };
}

/** Refusals that say that nothing was sent: what a client, or an SDK of its own accord, repeats. */
const NOTHING_SENT = new Set(['no_worker', 'not_dispatched']);

/** Makes a call, again where a machine that is too busy had it refused before anything was sent. */
export async function callUntilTaken(connection: Connection, input: CallInput): Promise<SeenCall> {
  for (let round = 1; ; round++) {
    const seen = await callModel(connection, input);
    const isRefused =
      seen.status === 503 && NOTHING_SENT.has((await recordOfCall(connection, seen.callId)).call.error_code ?? '');
    if (!isRefused || round === 10) return seen;
  }
}

/** A line of the simulator's invoice. */
export interface InvoiceLine {
  readonly attemptId: string;
  readonly model: string;
  readonly inputUncached: number;
  readonly inputCacheRead: number;
  readonly inputCacheWrite5m: number;
  readonly inputCacheWrite1h: number;
  readonly output: number;
  readonly reasoning: number;
  readonly completed: boolean;
  readonly costUsd: string;
}

export async function readInvoice(connection: Connection): Promise<Map<string, InvoiceLine[]>> {
  const answer = await request(`${connection.simulator.url}/invoice`);
  const lines = (await answer.body.text()).split('\n').filter((line) => line !== '');
  const byAttempt = new Map<string, InvoiceLine[]>();
  for (const line of lines.map((text) => JSON.parse(text) as InvoiceLine)) {
    byAttempt.set(line.attemptId, [...(byAttempt.get(line.attemptId) ?? []), line]);
  }
  return byAttempt;
}

/** One row of the view `attempts`. */
export interface AttemptRow {
  readonly attempt_id: string;
  readonly call_id: string;
  readonly attempt_no: number;
  readonly provider: string;
  readonly upstream_model: string;
  readonly status: number | null;
  readonly outcome: string;
  readonly error_code: string | null;
  readonly usage_source: string;
  readonly input_uncached: string | number;
  readonly input_cache_read: string | number;
  readonly input_cache_write_5m: string | number;
  readonly input_cache_write_1h: string | number;
  readonly output: string | number;
  readonly reasoning: string | number;
  readonly cost: string;
  readonly reconstructed: boolean;
}

export interface CallRecord {
  readonly call: {
    readonly call_id: string;
    readonly state: string;
    readonly status: number | null;
    readonly error_code: string | null;
    readonly usage_source: string;
    readonly cost: string;
    readonly attempts: number;
    readonly reconstructed: boolean;
  };
  readonly attempts: readonly AttemptRow[];
}

/** The records of calls, once each of them and all its attempts have landed. */
export function recordsOfCalls(
  connection: Connection,
  callIds: readonly string[],
  timeoutMs = 60_000,
): Promise<Map<string, CallRecord>> {
  const parameters = { ids: `[${callIds.map((id) => `'${id}'`).join(',')}]` };
  return eventually(
    async () => {
      const calls = await query<CallRecord['call']>(
        connection,
        'SELECT * REPLACE (toString(cost) AS cost) FROM calls WHERE has({ids:Array(UUID)}, call_id)',
        parameters,
      );
      const attempts = await query<AttemptRow>(
        connection,
        'SELECT * REPLACE (toString(cost) AS cost) FROM attempts WHERE has({ids:Array(UUID)}, call_id) ORDER BY attempt_no',
        parameters,
      );
      const records = callIds.map((id) => recordFrom(id, calls, attempts));
      return new Map(records.map((record) => [record.call.call_id, record]));
    },
    { timeoutMs, everyMs: 100 },
  );
}

function recordFrom(callId: string, calls: readonly CallRecord['call'][], all: readonly AttemptRow[]): CallRecord {
  const rows = calls.filter((call) => call.call_id === callId);
  const attempts = all.filter((attempt) => attempt.call_id === callId);
  const [call] = rows;
  if (!call || rows.length !== 1 || call.state === 'open')
    throw new Error(`calls of ${callId}: ${JSON.stringify(rows)}`);
  if (attempts.length < call.attempts) {
    throw new Error(`attempts of ${callId}: ${JSON.stringify(attempts)} of ${call.attempts}`);
  }
  return { call, attempts };
}

/** The record of a call once it and all its attempts have landed. */
export async function recordOfCall(connection: Connection, callId: string, timeoutMs = 60_000): Promise<CallRecord> {
  const record = (await recordsOfCalls(connection, [callId], timeoutMs)).get(callId);
  if (!record) throw new Error(`no record of ${callId}`);
  return record;
}

/** Pico-USD of a decimal amount, exactly. */
export function toPico(usd: string | number): bigint {
  const [whole = '0', fraction = ''] = String(usd).split('.');
  return BigInt(whole) * 10n ** 12n + BigInt(fraction.padEnd(12, '0').slice(0, 12) || '0');
}

const countedOf = (attempt: AttemptRow) => ({
  inputUncached: Number(attempt.input_uncached),
  inputCacheRead: Number(attempt.input_cache_read),
  inputCacheWrite5m: Number(attempt.input_cache_write_5m),
  inputCacheWrite1h: Number(attempt.input_cache_write_1h),
  output: Number(attempt.output),
  reasoning: Number(attempt.reasoning),
  cost: toPico(attempt.cost),
});

const billedOf = (line: InvoiceLine | undefined) =>
  line && {
    inputUncached: line.inputUncached,
    inputCacheRead: line.inputCacheRead,
    inputCacheWrite5m: line.inputCacheWrite5m,
    inputCacheWrite1h: line.inputCacheWrite1h,
    output: line.output,
    reasoning: line.reasoning,
    cost: toPico(line.costUsd),
  };

/**
 * The record and the provider's own invoice say the same of every attempt: a counted one to the last token and digit, a cut one within its
 * bound, and what the record calls free is not billed. Each attempt is billed at most once.
 */
export async function expectAgreement(
  connection: Connection,
  { call, attempts }: CallRecord,
  invoice?: ReadonlyMap<string, InvoiceLine[]>,
): Promise<void> {
  const billed = invoice ?? (await readInvoice(connection));
  for (const attempt of attempts) {
    const lines = billed.get(attempt.attempt_id) ?? [];
    expect(lines.length).toBeLessThanOrEqual(1);
    const [line] = lines;
    if (attempt.usage_source === 'provider') expect(countedOf(attempt)).toEqual(billedOf(line));
    if (attempt.usage_source === 'none') expect(line).toBeUndefined();
    if (attempt.usage_source === 'bounded')
      expect(toPico(line?.costUsd ?? '0')).toBeLessThanOrEqual(toPico(attempt.cost));
    if (attempt.usage_source === 'estimated') expect(toPico(attempt.cost)).toBeGreaterThan(0n);
  }
  if (!call.reconstructed) {
    const sum = attempts.reduce((total, attempt) => total + toPico(attempt.cost), 0n);
    expect(toPico(call.cost)).toBe(sum);
  }
}

export interface SimulatorStats {
  readonly openRequests: number;
  readonly requestsTotal: number;
  readonly closedByClient: readonly { readonly attemptId: string | null; readonly at: number }[];
}

export async function readStats(connection: Connection): Promise<SimulatorStats> {
  const answer = await request(`${connection.simulator.url}/stats`);
  return (await answer.body.json()) as SimulatorStats;
}
