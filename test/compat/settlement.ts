import { createClient, type ClickHouseClient } from '@clickhouse/client';
import { eventually, type Connection } from '@weir/testing';
import { expect } from 'expect';

/** Tokens as a client is told them; cache writes of both lifetimes together, reasoning within the output. */
export interface AnswerUsage {
  readonly inputUncached: number;
  readonly inputCacheRead: number;
  readonly inputCacheWrite: number;
  readonly output: number;
}

/** One line of the simulator's invoice. */
interface InvoiceLine {
  readonly attemptId: string | null;
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

/** One row of the view `attempts`. */
interface AttemptRow {
  readonly attempt_id: string;
  readonly call_id: string;
  readonly upstream_model: string;
  readonly status: number | null;
  readonly outcome: string;
  readonly error_code: string | null;
  readonly usage_source: 'provider' | 'estimated' | 'bounded' | 'none';
  readonly input_uncached: number;
  readonly input_cache_read: number;
  readonly input_cache_write_5m: number;
  readonly input_cache_write_1h: number;
  readonly output: number;
  readonly reasoning: number;
  readonly cost: string;
}

/** One row of the view `calls`. */
interface CallRow {
  readonly call_id: string;
  readonly state: string;
  readonly status: number | null;
  readonly error_code: string | null;
  readonly dialect: string;
  readonly model_requested: string;
  readonly provider: string | null;
  readonly cost: string;
  readonly attempts: number;
  readonly finish_reason: string | null;
  readonly dropped: readonly string[];
  readonly simulated: boolean;
}

/** What the record has to say of a call once it has landed. */
export interface Expectation {
  readonly call?: object;
  readonly attempt?: object;
  /** The provider, too, was left before its end. */
  readonly isLeft?: boolean;
}

const LANDED_MS = 30_000;

/** What the clients were told, what the simulator bills and what the record says, held against each other. */
export class Settlement {
  readonly #answers = new Map<string, AnswerUsage>();
  readonly #expectations = new Map<string, Expectation>();
  readonly #clickhouse: ClickHouseClient;
  readonly #simulatorUrl: string;

  constructor(connection: Connection) {
    const { url, user, password, database } = connection.clickhouse;
    this.#clickhouse = createClient({ url, username: user, password, database });
    this.#simulatorUrl = connection.simulator.url;
  }

  /** Remembers what an answer said it used, for the comparison at the end. */
  note(callId: string | null | undefined, usage: AnswerUsage): void {
    this.#answers.set(requireId(callId), usage);
  }

  /** Remembers what the record must say of a call: one look at the end is cheaper than waiting for each. */
  expect(callId: string | null | undefined, expectation: Expectation): void {
    this.#expectations.set(requireId(callId), expectation);
  }

  /** Every call of which something was expected is in the record as that says. Returns one line that says how many. */
  async expectRecorded(): Promise<string> {
    const wanted = [...this.#expectations];
    const { calls, attempts } = await this.#landed();
    const left = await this.#attemptsLeftByClient();
    for (const [callId, { call = {}, attempt = {}, isLeft = false }] of wanted) {
      expect(calls.get(callId)).toMatchObject(call);
      const last = attempts.findLast((row) => row.call_id === callId);
      expect(last).toMatchObject(attempt);
      if (isLeft) expect(left).toContain(last?.attempt_id);
    }
    return `the record says of ${wanted.length} calls what happened to them`;
  }

  /**
   * Every invoice line has its attempt in the record and every attempt that costs something its line; cost and tokens of what the
   * provider reported are equal to the last pico-dollar; what broke off is charged at its bound, never below the invoice; each
   * client was told what it is charged for. Returns one line that says how much that was.
   */
  async expectAgreement(): Promise<string> {
    const invoice = await this.#invoice();
    const lines = new Map(invoice.map((line) => [line.attemptId, line]));
    expect(lines.has(null)).toBe(false);
    expect(lines.size).toBe(invoice.length);
    const { attempts: rows, calls } = await this.#landed();
    expect(rows).toHaveLength(new Set(rows.map((row) => row.attempt_id)).size);
    const recorded = new Set(rows.map((row) => row.attempt_id));
    expect(invoice.filter((line) => !recorded.has(line.attemptId ?? ''))).toEqual([]);
    const reported = rows.filter((row) => row.usage_source === 'provider');
    expect(reported.map(tokensOfRow)).toEqual(reported.map((row) => tokensOfLine(lines.get(row.attempt_id))));
    const charged = sum(reported.map((row) => row.cost));
    const billed = sum(reported.map((row) => lines.get(row.attempt_id)?.costUsd ?? '0'));
    expect(charged).toBe(billed);
    const bounded = rows.filter((row) => row.usage_source === 'bounded');
    expect(bounded.filter((row) => pico(row.cost) < pico(lines.get(row.attempt_id)?.costUsd ?? '0'))).toEqual([]);
    expect(rows.filter((row) => row.usage_source === 'none' && lines.has(row.attempt_id))).toEqual([]);
    expect(rows.filter((row) => row.usage_source === 'estimated')).toEqual([]);
    this.#expectAnswersAgree(reported);
    expectCallsAgree(calls, rows);
    return `record = invoice: ${reported.length} attempts, ${charged} pico-USD; ${bounded.length} more charged at their bound; ${this.#answers.size} answers told their clients the same`;
  }

  close(): Promise<void> {
    return this.#clickhouse.close();
  }

  /** All calls and attempts, once every call that was started has ended in the record, and every attempt on the invoice is there. */
  async #landed(): Promise<{ calls: Map<string, CallRow>; attempts: AttemptRow[] }> {
    const billed = (await this.#invoice()).map((line) => line.attemptId);
    return eventually(
      async () => {
        const rows = await this.#select<CallRow>('SELECT * REPLACE (toString(cost) AS cost) FROM calls');
        const attempts = await this.#select<AttemptRow>(
          'SELECT * REPLACE (toString(cost) AS cost) FROM attempts ORDER BY attempt_no',
        );
        const landed = new Set(attempts.map((attempt) => attempt.attempt_id));
        expect(rows.filter((row) => row.state === 'open')).toEqual([]);
        expect(billed.filter((id) => id !== null && !landed.has(id))).toEqual([]);
        const calls = new Map(rows.map((row) => [row.call_id, row]));
        const absent = [...this.#answers.keys(), ...this.#expectations.keys()].filter((id) => !calls.has(id));
        expect(absent).toEqual([]);
        expect(rows.filter((row) => row.attempts !== countOf(attempts, row.call_id))).toEqual([]);
        return { calls, attempts };
      },
      { timeoutMs: LANDED_MS, everyMs: 250 },
    );
  }

  async #invoice(): Promise<InvoiceLine[]> {
    const answer = await fetch(`${this.#simulatorUrl}/invoice`);
    const lines = (await answer.text()).split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as InvoiceLine);
  }

  async #attemptsLeftByClient(): Promise<string[]> {
    const answer = await fetch(`${this.#simulatorUrl}/stats`);
    const { closedByClient } = (await answer.json()) as { closedByClient: { attemptId: string }[] };
    return closedByClient.map((closed) => closed.attemptId);
  }

  #expectAnswersAgree(reported: readonly AttemptRow[]): void {
    const byCall = new Map(reported.map((row) => [row.call_id, row]));
    const told = [...this.#answers].map(([callId, usage]) => ({ callId, ...usage }));
    const recorded = told.map(({ callId }) => ({ callId, ...usageOfRow(byCall.get(callId)) }));
    expect(recorded).toEqual(told);
  }

  async #select<Row>(query: string): Promise<Row[]> {
    const result = await this.#clickhouse.query({
      query,
      format: 'JSONEachRow',
      clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
    });
    return result.json<Row>();
  }
}

function requireId(callId: string | null | undefined): string {
  if (callId == null || callId === '') throw new Error('an answer without the id of its call');
  return callId;
}

function countOf(attempts: readonly AttemptRow[], callId: string): number {
  return attempts.filter((attempt) => attempt.call_id === callId).length;
}

/** What ingress saw and what providers saw: two witnesses of each call. */
function expectCallsAgree(calls: ReadonlyMap<string, CallRow>, attempts: readonly AttemptRow[]): void {
  const costs = new Map<string, bigint>();
  for (const { call_id: id, cost } of attempts) costs.set(id, (costs.get(id) ?? 0n) + pico(cost));
  expect([...calls.values()].filter((call) => pico(call.cost) !== (costs.get(call.call_id) ?? 0n))).toEqual([]);
}

function tokensOfRow(row: AttemptRow): object {
  return {
    attemptId: row.attempt_id,
    model: row.upstream_model,
    inputUncached: row.input_uncached,
    inputCacheRead: row.input_cache_read,
    inputCacheWrite5m: row.input_cache_write_5m,
    inputCacheWrite1h: row.input_cache_write_1h,
    output: row.output,
    reasoning: row.reasoning,
    pico: pico(row.cost),
  };
}

function tokensOfLine(line: InvoiceLine | undefined): object {
  return {
    attemptId: line?.attemptId,
    model: line?.model,
    inputUncached: line?.inputUncached,
    inputCacheRead: line?.inputCacheRead,
    inputCacheWrite5m: line?.inputCacheWrite5m,
    inputCacheWrite1h: line?.inputCacheWrite1h,
    output: line?.output,
    reasoning: line?.reasoning,
    pico: pico(line?.costUsd ?? '0'),
  };
}

function usageOfRow(row: AttemptRow | undefined): Partial<AnswerUsage> {
  if (row === undefined) return {};
  return {
    inputUncached: row.input_uncached,
    inputCacheRead: row.input_cache_read,
    inputCacheWrite: row.input_cache_write_5m + row.input_cache_write_1h,
    output: row.output + row.reasoning,
  };
}

/** A decimal number of dollars in pico-USD. */
function pico(usd: string): bigint {
  const [whole = '0', fraction = ''] = usd.split('.');
  if (fraction.length > 12) throw new Error(`more than twelve digits: ${usd}`);
  return BigInt(whole + fraction.padEnd(12, '0'));
}

function sum(costs: readonly string[]): bigint {
  return costs.reduce((total, cost) => total + pico(cost), 0n);
}
