import { after, before, describe, it } from 'node:test';
import { startStack, type Connection, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import {
  callUntilTaken,
  CONFIGURATION,
  expectAgreement,
  readInvoice,
  recordsOfCalls,
  type CallRecord,
  type ClientDialect,
  type SeenCall,
} from './upstream-kit.js';

/** A fifth of the defaults: 15 s where a failure is visible, 17 s where it is silence, and a second for a busy machine. */
const SCALE = 0.2;
const VISIBLE_MS = 15_000 * SCALE + 1_000;
const SILENT_MS = 17_000 * SCALE + 1_000;

let stack: RunningStack;
let connection: Connection;

before(async () => {
  stack = await startStack({ configuration: CONFIGURATION, environment: { WEIR_TIME_SCALE: String(SCALE) } });
  ({ connection } = stack);
});
after(() => stack.stop());

interface Expected {
  readonly fail: string;
  /** Codes the record may have: not every wire format tells overload apart. */
  readonly codes: readonly string[];
  /** Statuses the client may see; a provider's own status passes through where both speak one dialect. */
  readonly statuses: readonly number[];
  /** What the client reads: OpenAI's codes or types, and Anthropic's types. */
  readonly openai: readonly (string | null)[];
  readonly anthropic: readonly string[];
  readonly isSilent?: boolean;
}

const OVERLOADED = ['upstream_overloaded', 'upstream_error'];

const BEFORE_FIRST_BYTE: readonly Expected[] = [
  {
    fail: '400',
    codes: ['upstream_rejected'],
    statuses: [400],
    openai: ['invalid_request_error', 'upstream_rejected'],
    anthropic: ['invalid_request_error'],
  },
  { fail: '401', codes: ['upstream_auth'], statuses: [502], openai: ['upstream_auth'], anthropic: ['api_error'] },
  {
    fail: '404',
    codes: ['upstream_rejected'],
    statuses: [404],
    openai: ['invalid_request_error', 'model_not_found', 'upstream_rejected'],
    anthropic: ['not_found_error', 'invalid_request_error'],
  },
  {
    fail: '500',
    codes: ['upstream_error'],
    statuses: [500, 502],
    openai: ['server_error', 'upstream_error'],
    anthropic: ['api_error'],
  },
  {
    fail: '529',
    codes: OVERLOADED,
    statuses: [502, 503, 529],
    openai: ['overloaded', 'server_error', 'upstream_error'],
    anthropic: ['overloaded_error', 'api_error'],
  },
  { fail: 'reset', codes: ['upstream_reset'], statuses: [502], openai: ['upstream_reset'], anthropic: ['api_error'] },
  {
    fail: '200-then-reset',
    codes: ['upstream_reset'],
    statuses: [502],
    openai: ['upstream_reset'],
    anthropic: ['api_error'],
  },
  {
    fail: 'stall',
    codes: ['upstream_first_token_timeout'],
    statuses: [504],
    openai: ['upstream_timeout'],
    anthropic: ['timeout_error'],
    isSilent: true,
  },
  {
    fail: 'malformed@0',
    codes: ['upstream_malformed'],
    statuses: [502],
    openai: ['upstream_malformed'],
    anthropic: ['api_error'],
  },
];

const AFTER_FIRST_BYTE: readonly Expected[] = [
  {
    fail: 'reset@10',
    codes: ['upstream_reset'],
    statuses: [200],
    openai: ['upstream_reset'],
    anthropic: ['api_error'],
  },
  {
    fail: 'stall@10',
    codes: ['upstream_idle_timeout'],
    statuses: [200],
    openai: ['upstream_timeout'],
    anthropic: ['timeout_error'],
    isSilent: true,
  },
  {
    fail: 'malformed@10',
    codes: ['upstream_malformed'],
    statuses: [200],
    openai: ['upstream_malformed'],
    anthropic: ['api_error'],
  },
  {
    fail: 'error@10',
    codes: OVERLOADED,
    statuses: [200],
    openai: ['overloaded', 'upstream_error'],
    anthropic: ['overloaded_error', 'api_error'],
  },
];

/** Each way through: same dialect, across dialects, and both of Bedrock's. */
const ROUTES: readonly { readonly dialect: ClientDialect; readonly model: string }[] = [
  { dialect: 'openai', model: 'sim-openai' },
  { dialect: 'anthropic', model: 'sim-openai' },
  { dialect: 'anthropic', model: 'sim-anthropic' },
  { dialect: 'openai', model: 'sim-anthropic' },
  { dialect: 'anthropic', model: 'sim-bedrock-claude' },
  { dialect: 'openai', model: 'sim-bedrock-nova' },
];

function expectTypedError(seen: SeenCall, dialect: ClientDialect, expected: Expected): void {
  const { statuses, isSilent } = expected;
  const errors = dialect === 'openai' ? expected.openai : expected.anthropic;
  const isExpected = statuses.includes(seen.status) && errors.includes(seen.error ?? null);
  // The whole answer says why, better than a comparison of two fields.
  if (!isExpected)
    throw new Error(
      `not the error that ${expected.fail} stands for: ${seen.error} after ${seen.ms} ms in ${JSON.stringify(seen)}`,
    );
  // What the machine itself was late by, several processes take part in a call, is not the gateway's.
  expect(seen.ms - 4 * seen.stutterMs).toBeLessThan(isSilent ? SILENT_MS : VISIBLE_MS);
}

/** What the record must say of a call that a test has made. */
interface Promised {
  readonly seen: SeenCall;
  readonly codes: readonly (string | null)[];
  readonly usageSources?: readonly string[];
}

function expectRecorded({ call, attempts }: CallRecord, { seen, codes, usageSources }: Promised): void {
  expect(call).toMatchObject({ status: seen.status, attempts: 1 });
  // A machine so busy that a call is routed again leaves an attempt that was never sent beside the one that was.
  const sent = attempts.filter((attempt) => attempt.error_code !== 'not_dispatched');
  expect(sent).toHaveLength(1);
  expect(codes).toContain(call.error_code);
  expect(sent[0]?.error_code).toBe(call.error_code);
  if (usageSources) expect(usageSources).toContain(call.usage_source);
}

for (const { dialect, model } of ROUTES) {
  describe(`${dialect} client, ${model}`, () => {
    const toCheck: Promised[] = [];

    for (const stream of [false, true]) {
      for (const expected of BEFORE_FIRST_BYTE) {
        it(`hears of ${expected.fail} before the first byte${stream ? ' of a stream' : ''}`, async () => {
          const seen = await callUntilTaken(connection, {
            dialect,
            model,
            stream,
            content: `[[sim fail=${expected.fail}]]`,
          });
          expectTypedError(seen, dialect, expected);
          toCheck.push({ seen, codes: expected.codes });
        });
      }
    }

    for (const expected of AFTER_FIRST_BYTE) {
      it(`hears of ${expected.fail} inside the stream, after what came before it`, async () => {
        const seen = await callUntilTaken(connection, {
          dialect,
          model,
          stream: true,
          content: `[[sim fail=${expected.fail}]]`,
        });
        expectTypedError(seen, dialect, expected);
        expect(seen.text).toContain('008 ');
        toCheck.push({ seen, codes: expected.codes, usageSources: ['bounded'] });
      });
    }

    for (const usage of ['none', 'twice', 'late']) {
      for (const stream of [false, true]) {
        it(`gets an answer whose usage comes ${usage}${stream ? ', streamed' : ''}`, async () => {
          const seen = await callUntilTaken(connection, {
            dialect,
            model,
            stream,
            content: `[[sim chunks=5 usage=${usage}]]`,
          });
          expect(seen).toMatchObject({ status: 200, error: undefined });
          toCheck.push({ seen, codes: [null], usageSources: [usage === 'none' ? 'estimated' : 'provider'] });
        });
      }
    }

    it('left a record of each that agrees with the provider’s own invoice', async () => {
      expect(toCheck.length).toBe(2 * BEFORE_FIRST_BYTE.length + AFTER_FIRST_BYTE.length + 6);
      const records = await recordsOfCalls(
        connection,
        toCheck.map(({ seen }) => seen.callId),
      );
      const invoice = await readInvoice(connection);
      for (const promised of toCheck) {
        const record = records.get(promised.seen.callId);
        if (!record) throw new Error(`no record of ${promised.seen.callId}`);
        expectRecorded(record, promised);
        await expectAgreement(connection, record, invoice);
      }
    });
  });
}
