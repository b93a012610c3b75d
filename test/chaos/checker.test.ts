import { after, before, describe, it } from 'node:test';
import { expect } from 'expect';
import { request } from 'undici';
import { command } from '../e2e/tamper-kit.js';
import { startChaosStack, type ChaosStack } from './chaos-stack.js';
import { checkRecord } from './checker/check-record.js';
import { findClientFaults } from './checker/client-checks.js';
import { Load } from './load/load.js';
import type { Outcome } from './load/outcome.js';

const CALLS = 60;
const ANSWERED: Outcome = {
  ...{ number: 0, dialect: 'openai', model: 'sim-openai', isStreamed: true, status: 200, end: 'complete' },
  ...{ callId: '01a20400-0000-7000-8000-000000000000', detail: undefined },
  ...{ startedAt: 0, endedAt: 20, lastByteAt: 10, stutterMs: 0 },
};

/** What must not be, and the check that says so. All of it at once: each is found beside the others. */
const BREAKAGES: readonly (readonly [what: string, check: string, breakIt: (chaos: ChaosStack) => Promise<unknown>])[] =
  [
    [
      'an answered call that is not recorded',
      'lost: an answered call is not in the record',
      async ({ outcomes }) => outcomes.push(ANSWERED),
    ],
    [
      'a line of the invoice without an attempt',
      'lost: a line of the invoice has no attempt',
      (chaos) => callSimulator(chaos, { 'x-client-request-id': '01a20400-0000-7000-8000-000000000001' }),
    ],
    [
      'a line of the invoice that names no attempt',
      'billed: the provider bills an attempt twice',
      (chaos) => callSimulator(chaos, {}),
    ],
    ...(['events', 'calls_landed', 'attempts_landed', 'charges_landed', 'log_leaves'] as const).map(
      (table) =>
        [
          `a row twice in ${table}`,
          {
            events: 'duplicates: events',
            calls_landed: 'duplicates: view calls',
            attempts_landed: 'duplicates: attempts',
            charges_landed: 'duplicates: charges',
            log_leaves: 'duplicates: leaves by place',
          }[table],
          (chaos: ChaosStack) => write(chaos, `INSERT INTO ${table} SELECT * FROM ${table} LIMIT 1`),
        ] as const,
    ),
    [
      'an attempt that costs a pico-dollar more',
      'billed: an attempt and the invoice disagree',
      (chaos) =>
        write(
          chaos,
          `INSERT INTO attempts_landed SELECT * REPLACE (cost + toDecimal128('0.000000000001', 12) AS cost)
         FROM attempts_landed WHERE usage_source = 'provider' LIMIT 1`,
        ),
    ],
    [
      'a call with two completed attempts',
      'double run: a call with two completed attempts',
      (chaos) =>
        write(
          chaos,
          `INSERT INTO attempts_landed SELECT * REPLACE (generateUUIDv4() AS attempt_id)
         FROM attempts_landed WHERE outcome = 'completed' LIMIT 1`,
        ),
    ],
    [
      'a gap in a sequence',
      'sequences: a gap',
      (chaos) =>
        write(
          chaos,
          `INSERT INTO events SELECT * REPLACE (generateUUIDv4() AS event_id, sequence + 1000000 AS sequence) FROM events LIMIT 1`,
        ),
    ],
  ];

async function write({ stack }: ChaosStack, sql: string): Promise<void> {
  await command(stack.connection.internal.clickhouseWriter, sql);
}

async function callSimulator({ stack }: ChaosStack, headers: Readonly<Record<string, string>>): Promise<void> {
  const answer = await request(new URL('/v1/chat/completions', stack.connection.simulator.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer foreign', ...headers },
    body: JSON.stringify({ model: 'sim-openai', messages: [{ role: 'user', content: 'hello' }] }),
  });
  expect(answer.statusCode).toBe(200);
  await answer.body.text();
}

describe('the checker of the chaos set', () => {
  let chaos: ChaosStack;
  before(async () => {
    chaos = await startChaosStack();
    const load = new Load({
      seed: 4,
      kind: 'mixed',
      lanes: 8,
      pauseMs: 0,
      answersMax: CALLS,
      gateway: () => chaos.stack.connection.gateway,
    });
    load.start();
    await load.ends(120_000);
    await load.close();
    chaos.outcomes.push(...load.outcomes);
  });
  after(() => chaos.stop(false));

  it('finds nothing on a record that nobody has touched', async () => {
    expect(chaos.outcomes.length).toBe(CALLS);
    expect(await checkRecord(chaos)).toMatchObject({ findings: [], verify: 'ok' });
  });

  describe('once all of it is wrong', () => {
    let checks: readonly string[];
    before(async () => {
      for (const [, , breakIt] of BREAKAGES) await breakIt(chaos);
      checks = (await checkRecord(chaos)).findings.map((finding) => finding.check);
    });

    for (const [what, check] of BREAKAGES) it(`finds ${what}`, () => expect(checks).toContain(check));

    it('finds that the log does not verify', () => expect(checks).toContain('verify: weir audit verify exits with 1'));
  });

  it('finds answers that ended without a word, in silence, or with a broken connection', () => {
    const faults = findClientFaults(
      [
        { ...ANSWERED, end: 'untyped' },
        { ...ANSWERED, end: 'cut' },
        { ...ANSWERED, endedAt: 18_000 },
        { ...ANSWERED, callId: undefined },
        ANSWERED,
      ],
      { breaksConnections: false, healedAt: 0 },
    );
    expect(faults.map(({ check, what }) => `${check}: ${what.slice(0, 2)}`)).toEqual([
      'clients: an answer ended without a terminal frame or a typed error: 1:',
      'clients: a connection broke: 1:',
      'clients: an answer was silent for over 17 s: 1:',
      'clients: an answer without x-request-id: 1:',
    ]);
  });
});
