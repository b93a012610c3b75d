import { Random } from './random.js';
import type { PlannedCall } from './workload.js';

/** Something that somebody does, or that happens to the installation, at a time in milliseconds. */
export type PlannedAct =
  | {
      readonly at: number;
      readonly kind: 'call';
      readonly producer: number;
      readonly call: PlannedCall;
      readonly endsAfter: number;
    }
  | { readonly at: number; readonly kind: 'late end'; readonly producer: number; readonly call: PlannedCall }
  | { readonly at: number; readonly kind: 'close hours'; readonly closer: number; readonly isEarly: boolean }
  | { readonly at: number; readonly kind: 'checkpoint' }
  | { readonly at: number; readonly kind: 'kill'; readonly target: string; readonly restartsAfter: number }
  | { readonly at: number; readonly kind: 'pause'; readonly target: string; readonly forMs: number }
  | Strike
  | {
      readonly at: number;
      readonly kind: 'lossy';
      readonly server: ServerName;
      readonly share: number;
      readonly forMs: number;
    }
  | {
      readonly at: number;
      readonly kind: 'down';
      readonly server: ServerName;
      readonly forMs: number;
      readonly lost: Loss;
    }
  | { readonly at: number; readonly kind: 'cut'; readonly target: string }
  | { readonly at: number; readonly kind: 'redeliver'; readonly count: number }
  | { readonly at: number; readonly kind: 'standstill'; readonly forMs: number }
  | { readonly at: number; readonly kind: 'disk full'; readonly forMs: number };

/** From a time on, the process falls, or stands still, in the middle of a step. */
export interface Strike {
  readonly at: number;
  readonly kind: 'strike';
  readonly target: string;
  /** Beginning of what it sends. */
  readonly on: string;
  /** Whether the server has done it by then. */
  readonly phase: 'sent' | 'served';
  /** For how long it stands still; undefined where it is killed. */
  readonly pausedForMs: number | undefined;
  /** When it wakes up, its tokens are forgotten. */
  readonly isForgotten: boolean;
  readonly restartsAfter: number;
}

export type ServerName = 'broker' | 'postgres' | 'clickhouse';
/** What the broker's disk has lost when it is back. */
export type Loss = 'nothing' | 'ids' | 'tail' | 'everything';

export interface Plan {
  readonly seed: number;
  readonly producers: number;
  /** Events of a landing batch at most. */
  readonly eventsMax: number;
  readonly acts: readonly PlannedAct[];
  /** From here on nothing fails any more. */
  readonly healedAt: number;
}

/** After so long a standstill the warehouse knows no token that it knew before. */
export const TOKENS_FORGOTTEN_MS = 660_000;
const HORIZON_MS = 10_000;
const WORK_UNTIL_MS = 6_000;
const LANDERS = ['audit-0', 'audit-1', 'billing-0', 'billing-1'];
const STEPS = [
  'WITH fence',
  'insert events',
  'insert charges',
  'insert calls',
  'insert attempts',
  'insert log',
  'BEGIN',
  'COMMIT',
  'after',
];

/** What happens in a schedule: all of it from its seed. */
export function planSchedule(seed: number): Plan {
  const random = new Random(seed);
  const producers = random.integer(2, 3);
  const calls = Array.from({ length: random.integer(2, 5) }, () => planCall(random));
  const acts = [
    ...calls.flatMap((call) => planWork(random, call, producers)),
    ...Array.from({ length: random.integer(1, 4) }, () => planClose(random)),
    ...Array.from({ length: 2 }, (): PlannedAct => ({ at: timeOf(random), kind: 'checkpoint' })),
    ...Array.from({ length: random.integer(1, 6) }, () => planFaults(random, producers)).flat(),
  ];
  acts.sort((a, b) => a.at - b.at);
  const eventsMax = random.pick([3, 8, 10_000]);
  return { seed, producers, eventsMax, acts, healedAt: HORIZON_MS };
}

const timeOf = (random: Random): number => random.integer(100, HORIZON_MS - 1_000);

function planCall(random: Random): PlannedCall {
  const [callId, attemptId] = [random.uuid(), random.uuid()];
  return { callId, attemptId, hoursAgo: random.integer(2, 4), outputTokens: random.integer(1, 500) };
}

function planWork(random: Random, call: PlannedCall, producers: number): PlannedAct[] {
  const at = random.integer(100, WORK_UNTIL_MS);
  const begin: PlannedAct = {
    ...{ at, kind: 'call', call },
    producer: random.integer(0, producers - 1),
    endsAfter: random.chance(0.3) ? Infinity : random.integer(10, 4_000),
  };
  if (!random.chance(0.5)) return [begin];
  // The provider's own count, told by somebody else: after a bound it corrects it, after the same count it changes nothing.
  const late: PlannedAct = {
    at: at + random.integer(500, 5_000),
    kind: 'late end',
    call,
    producer: random.integer(0, producers - 1),
  };
  return [begin, late];
}

const planClose = (random: Random): PlannedAct => ({
  at: timeOf(random),
  kind: 'close hours',
  closer: random.integer(0, 1),
  isEarly: random.chance(0.3),
});

/** Mostly one; of the pairs that chance alone would hardly bring together, both. */
function planFaults(random: Random, producers: number): PlannedAct[] {
  if (!random.chance(0.05)) return [planFault(random, producers)];
  const strike = planStrike(random, random.pick(LANDERS), random.integer(1, 8_000));
  const at = strike.at + random.integer(0, 2_000);
  return [strike, { at, kind: 'down', server: 'broker', forMs: random.integer(100, 2_000), lost: 'tail' }];
}

function planFault(random: Random, producers: number): PlannedAct {
  const at = timeOf(random);
  const producer = `producer-${random.integer(0, producers - 1)}`;
  const lander = random.pick(LANDERS);
  const server = random.pick<ServerName>(['broker', 'postgres', 'clickhouse']);
  const restartsAfter = random.chance(0.3) ? Infinity : random.integer(1, 8_000);
  switch (random.integer(0, 12)) {
    case 0:
    case 12:
      return { at, kind: 'kill', target: producer, restartsAfter };
    case 1:
      return { at, kind: 'pause', target: producer, forMs: random.integer(100, 12_000) };
    case 2:
      return { at, kind: 'kill', target: lander, restartsAfter };
    case 3:
      return { at, kind: 'pause', target: lander, forMs: random.integer(500, 13_000) };
    case 4:
    case 5:
    case 6:
      return planStrike(random, lander, restartsAfter);
    case 7:
      return { at, kind: 'lossy', server, share: random.next() * 0.6, forMs: random.integer(1_000, 10_000) };
    case 8: {
      const lost = server === 'broker' ? random.pick<Loss>(['nothing', 'ids', 'tail', 'everything']) : 'nothing';
      return { at, kind: 'down', server, forMs: random.integer(500, 10_000), lost };
    }
    case 9:
      return { at, kind: 'redeliver', count: random.integer(1, 10) };
    case 10:
      return { at, kind: 'standstill', forMs: TOKENS_FORGOTTEN_MS };
    default:
      return random.chance(0.5)
        ? { at, kind: 'disk full', forMs: random.integer(100, 5_000) }
        : { at, kind: 'cut', target: lander };
  }
}

function planStrike(random: Random, target: string, restartsAfter: number): Strike {
  const at = random.integer(100, WORK_UNTIL_MS);
  const pausedForMs = random.chance(0.6) ? random.integer(1_000, 13_000) : undefined;
  const phase = random.pick(['sent', 'served'] as const);
  return {
    at,
    kind: 'strike',
    target,
    on: random.pick(STEPS),
    phase,
    pausedForMs,
    isForgotten: random.chance(0.5),
    restartsAfter,
  };
}
