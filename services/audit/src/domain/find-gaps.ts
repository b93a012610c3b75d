/** Inclusive. */
type Range = readonly [first: number, last: number];

/** What has landed of a producer's epoch: all up to `through`, and the ranges in `above`. */
export interface LandedEpoch {
  readonly producerId: string;
  readonly epoch: number;
  readonly through: number;
  readonly above: readonly Range[];
}

/** Where an epoch ended, as the first event of the next one states. */
export interface EpochEnd {
  readonly producerId: string;
  readonly epoch: number;
  readonly lastSequence: number;
}

/** Events that a producer has recorded and that have not landed: within an epoch, or at its end. */
export interface Gap {
  readonly kind: 'sequence_gap' | 'tail_gap';
  readonly producerId: string;
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
}

/** Names a gap: the same one has the same name for as long as its range stays as it is. */
export const nameOfGap = ({ kind, producerId, epoch, first, last }: Gap): string =>
  `${kind}:${producerId}:${epoch}:${first}-${last}`;

/** Every gap, as of one moment: what is still on its way is one too. An epoch of which nothing has landed is missing as a whole. */
export function findGaps(landed: readonly LandedEpoch[], ends: readonly EpochEnd[]): readonly Gap[] {
  const gaps: Gap[] = [];
  const lastOf = new Map<string, number>();
  for (const { producerId, epoch, through, above } of landed) {
    let next = through + 1;
    for (const [first, last] of above) {
      gaps.push({ kind: 'sequence_gap', producerId, epoch, first: next, last: first - 1 });
      next = last + 1;
    }
    lastOf.set(`${producerId}:${epoch}`, next - 1);
  }
  for (const { producerId, epoch, lastSequence } of ends) {
    const last = lastOf.get(`${producerId}:${epoch}`) ?? 0;
    if (last < lastSequence) gaps.push({ kind: 'tail_gap', producerId, epoch, first: last + 1, last: lastSequence });
  }
  return gaps;
}
