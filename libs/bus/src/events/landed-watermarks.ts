import { SINKS, type LandedReport, type Sink } from '@weir/contracts';

interface EpochProgress {
  readonly through: Map<Sink, number>;
  released: number;
  /** When the released mark last moved, or the epoch was last sent again. */
  movedAt: number;
}

export interface OverdueQuestion {
  readonly epoch: number;
  readonly acknowledged: number;
  /** Milliseconds of the clock that `report` was given. */
  readonly now: number;
  readonly stalledMs: number;
  readonly isAlone: boolean;
}

/** What the sinks say they have landed of one producer: what may be released, and what seems to have been lost. No I/O. */
export class LandedWatermarks {
  private readonly epochs = new Map<number, EpochProgress>();
  private readonly reportedAt = new Map<Sink, number>();

  constructor(private readonly sinks: readonly Sink[] = SINKS) {}

  /** @returns the mark up to which every sink has landed the epoch, where the report moved it. */
  report({ sink, epoch, through }: LandedReport, now: number): number | undefined {
    this.reportedAt.set(sink, now);
    const progress = this.progress(epoch, now);
    progress.through.set(sink, Math.max(through, progress.through.get(sink) ?? 0));
    const landed = Math.min(...this.sinks.map((name) => progress.through.get(name) ?? 0));
    if (landed <= progress.released) return undefined;
    progress.released = landed;
    progress.movedAt = now;
    return landed;
  }

  /**
   * Whether an epoch, acknowledged up to `acknowledged`, must have lost something on its way: its mark has not moved for
   * `stalledMs`, though every sink has reported on this producer well after that. A sink that is silent proves nothing: it is down.
   * Of a producer that sends nothing new (`isAlone`) no report comes by itself, so time alone decides.
   */
  isOverdue({ epoch, acknowledged, now, stalledMs, isAlone }: OverdueQuestion): boolean {
    const progress = this.progress(epoch, now);
    if (acknowledged <= progress.released || now - progress.movedAt < stalledMs) return false;
    if (isAlone) return true;
    return this.sinks.every((sink) => (this.reportedAt.get(sink) ?? -Infinity) > progress.movedAt + stalledMs / 2);
  }

  /** The epoch is being sent again. */
  resent(epoch: number, now: number): void {
    this.progress(epoch, now).movedAt = now;
  }

  private progress(epoch: number, now: number): EpochProgress {
    let progress = this.epochs.get(epoch);
    if (progress === undefined) {
      progress = { through: new Map(), released: 0, movedAt: now };
      this.epochs.set(epoch, progress);
    }
    return progress;
  }
}
