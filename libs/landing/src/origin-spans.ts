import type { Parameter } from '@weir/warehouse';
import { producerKey, type Origin } from './landing-event.js';

/** Sequences of one producer's epoch, both ends included. */
export interface OriginSpan extends Pick<Origin, 'producerId' | 'epoch'> {
  readonly first: number;
  readonly last: number;
}

/** A longer hole ends a span: whoever asks for a span gets all that it holds. */
const HOLE_MAX = 5_000;

/** Collects where events stand. Few spans rather than exact ones: a batch has events of some types only, in thousands of short runs. */
export class OriginSpans {
  private readonly producers = new Map<string, { readonly origin: Origin; readonly sequences: number[] }>();

  add(origin: Origin): void {
    const key = producerKey(origin);
    const producer = this.producers.get(key);
    if (producer) producer.sequences.push(origin.sequence);
    else this.producers.set(key, { origin, sequences: [origin.sequence] });
  }

  get spans(): readonly OriginSpan[] {
    return [...this.producers.values()].flatMap(({ origin: { producerId, epoch }, sequences }) =>
      cutAtHoles(sequences).map((range) => ({ producerId, epoch, ...range })),
    );
  }
}

function cutAtHoles(sequences: readonly number[]): readonly { readonly first: number; readonly last: number }[] {
  const ranges: { first: number; last: number }[] = [];
  for (const sequence of [...sequences].sort((a, b) => a - b)) {
    const open = ranges.at(-1);
    if (open && sequence - open.last <= HOLE_MAX) open.last = sequence;
    else ranges.push({ first: sequence, last: sequence });
  }
  return ranges;
}

/** The condition of a query that rows of these spans meet, with its parameters `p0, e0, a0, b0, p1, …`. */
export function spanCondition(spans: readonly OriginSpan[]): {
  readonly condition: string;
  readonly parameters: Readonly<Record<string, Parameter>>;
} {
  const parameters: Record<string, Parameter> = {};
  const conditions = spans.map(({ producerId, epoch, first, last }, i) => {
    Object.assign(parameters, { [`p${i}`]: producerId, [`e${i}`]: epoch, [`a${i}`]: first, [`b${i}`]: last });
    return `(producer_id = {p${i}: UUID} AND epoch = {e${i}: UInt64} AND sequence BETWEEN {a${i}: UInt64} AND {b${i}: UInt64})`;
  });
  return { condition: `(${conditions.join(' OR ')})`, parameters };
}
