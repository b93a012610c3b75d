import type { Random } from '../random.js';

export type ClientDialect = 'openai' | 'anthropic';

/** One call as its client makes it; a pure function of the seed and its number. */
export interface CallPlan {
  readonly number: number;
  readonly dialect: ClientDialect;
  readonly model: string;
  readonly isStreamed: boolean;
  readonly body: string;
  /** The client closes its connection after so many bytes of the answer. */
  readonly leavesAfterBytes: number | undefined;
}

/** What a call is about, by its share of the load. `directive` steers the simulator. */
interface Kind {
  readonly directive: string;
  readonly model?: string;
  readonly isStreamed?: boolean;
  readonly leaves?: boolean;
  readonly bodyBytes?: number;
  readonly hasTool?: boolean;
}

const MODELS = ['sim-openai', 'sim-anthropic', 'sim-bedrock-claude', 'sim-bedrock-nova', 'two-targets'] as const;
const TWO_TARGETS = 'two-targets';

/** A load of people's and agents' calls, with everything that goes wrong at providers and at clients. */
const MIXED: readonly (readonly [weight: number, kind: Kind])[] = [
  [24, { directive: '' }],
  [16, { directive: 'chunks=30 delayMs=4', isStreamed: true }],
  [10, { directive: 'chunks=120 delayMs=20', isStreamed: true }],
  [6, { directive: 'reasoning=40 chunks=20', isStreamed: true }],
  [6, { directive: 'tool=look_up args={"what":"weir"}', hasTool: true }],
  [4, { directive: '', bodyBytes: 200_000 }],
  [2, { directive: 'chunks=10', bodyBytes: 700_000, isStreamed: true }],
  [4, { directive: 'usage=none chunks=12' }],
  [3, { directive: 'usage=late chunks=12' }],
  [3, { directive: 'usage=twice chunks=12' }],
  [4, { directive: 'chunks=200 delayMs=10', isStreamed: true, leaves: true }],
  [3, { directive: 'only=sim-deepseek fail=503', model: TWO_TARGETS }],
  [2, { directive: 'only=sim-deepseek fail=reset', model: TWO_TARGETS }],
  [2, { directive: 'chunks=20 fail=reset@8', isStreamed: true }],
  [1, { directive: 'chunks=20 fail=error@8', isStreamed: true }],
  [1, { directive: 'chunks=20 fail=malformed@8', isStreamed: true }],
  [1, { directive: 'fail=200-then-reset' }],
  [1, { directive: 'fail=500' }],
  [1, { directive: 'fail=400' }],
];

/** The same without waits: as many calls a second as there may be. */
const FAST: readonly (readonly [weight: number, kind: Kind])[] = [
  [50, { directive: '' }],
  [14, { directive: 'chunks=8', isStreamed: true }],
  [6, { directive: 'reasoning=20 chunks=4', isStreamed: true }],
  [6, { directive: 'tool=look_up args={"what":"weir"}', hasTool: true }],
  [0.4, { directive: '', bodyBytes: 150_000 }],
  [3, { directive: 'usage=none chunks=4' }],
  [1, { directive: 'usage=twice chunks=4' }],
  [3, { directive: 'only=sim-deepseek fail=503', model: TWO_TARGETS }],
  [1, { directive: 'chunks=8 fail=reset@4', isStreamed: true }],
  [1, { directive: 'chunks=400', isStreamed: true, leaves: true }],
];

export type LoadKind = 'mixed' | 'fast';

const TOOL_SCHEMA = { type: 'object', properties: { what: { type: 'string' } }, required: ['what'] };

/** The call with that number. */
export function planCall(random: Random, number: number, kind: LoadKind): CallPlan {
  const chosen = random.pickWeighted(kind === 'fast' ? FAST : MIXED);
  const dialect: ClientDialect = random.chance(0.5) ? 'openai' : 'anthropic';
  const model = chosen.model ?? random.pick(MODELS);
  const isStreamed = chosen.isStreamed ?? random.chance(0.5);
  // Its number makes every message one of a kind, so that no answer comes from a cache by accident.
  const words = `call ${number} ${chosen.directive === '' ? 'says hello' : `[[sim ${chosen.directive}]]`}`;
  const content = chosen.bodyBytes === undefined ? words : `${'weir '.repeat(chosen.bodyBytes / 5)}${words}`;
  const body = {
    model,
    messages: [{ role: 'user', content }],
    ...(isStreamed ? { stream: true } : {}),
    ...(dialect === 'anthropic' ? { max_tokens: 2_000 } : {}),
    ...(chosen.hasTool === true ? { tools: [toolOf(dialect)] } : {}),
  };
  return {
    number,
    dialect,
    model,
    isStreamed,
    body: JSON.stringify(body),
    leavesAfterBytes: chosen.leaves === true ? random.between(200, 4_000) : undefined,
  };
}

function toolOf(dialect: ClientDialect): object {
  const description = 'Looks something up.';
  return dialect === 'openai'
    ? { type: 'function', function: { name: 'look_up', description, parameters: TOOL_SCHEMA } }
    : { name: 'look_up', description, input_schema: TOOL_SCHEMA };
}
