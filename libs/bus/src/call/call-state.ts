import { FRAME, type FrameType } from '@weir/contracts';

/** What an ingress knows of the frames of one route of a call. Changed only by {@link judgeFrame}. */
export interface CallProgress {
  /** The attempt that is listened to; 0 before the first frame. */
  attempt: number;
  nextSequence: number;
  /** A head or any data of `attempt` was delivered: no later attempt may take over. */
  answered: boolean;
}

export const newProgress = (): CallProgress => ({ attempt: 0, nextSequence: 0, answered: false });

/**
 * `deliver`: next in order. `first`: the same, and first of its attempt. `stale`: of another attempt, or a repeat: dropped.
 * `gap`: a frame before it was lost; the answer can no longer be whole.
 */
export type FrameVerdict = 'deliver' | 'first' | 'stale' | 'gap';

const ANSWERS: ReadonlySet<FrameType> = new Set([FRAME.head, FRAME.data, FRAME.end, FRAME.whole]);

/** Decides what a frame is worth, and moves `progress` on. No I/O. */
export function judgeFrame(
  progress: CallProgress,
  frame: { readonly type: FrameType; readonly attempt: number; readonly sequence: number },
): FrameVerdict {
  const isNewAttempt = frame.attempt > progress.attempt;
  if (frame.attempt < progress.attempt || (isNewAttempt && progress.answered)) return 'stale';
  if (isNewAttempt) {
    progress.attempt = frame.attempt;
    progress.nextSequence = 0;
  }
  if (frame.sequence < progress.nextSequence) return 'stale';
  if (frame.sequence > progress.nextSequence) return 'gap';
  progress.nextSequence += 1;
  if (ANSWERS.has(frame.type)) progress.answered = true;
  return isNewAttempt ? 'first' : 'deliver';
}

export const isTerminal = (type: FrameType): boolean =>
  type === FRAME.end || type === FRAME.fail || type === FRAME.whole;
