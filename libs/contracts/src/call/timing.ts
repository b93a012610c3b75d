/**
 * Intervals of the call channel in milliseconds. Each process multiplies them by its `WEIR_TIME_SCALE` (1 by default), so tests
 * can run the same protocol at a tenth of the time.
 */
export const CALL_TIMING = {
  dispatchWithinMs: 2_000,
  /** Slack added to `dispatchBy` before ingress may route again. */
  clockSlackMs: 500,
  pingEveryMs: 5_000,
  workerLostAfterMs: 15_000,
  ingressBeatEveryMs: 1_000,
  ingressLostAfterMs: 5_000,
  creditRepeatMs: 500,
  cancelRepeatMs: 100,
  cancelGiveUpAfterMs: 5_000,
  producerAliveEveryMs: 5_000,
  drainWithinMs: 30_000,
} as const;
export type CallTiming = { readonly [K in keyof typeof CALL_TIMING]: number };

export function scaleTiming(factor: number): CallTiming {
  return Object.fromEntries(Object.entries(CALL_TIMING).map(([name, ms]) => [name, ms * factor])) as CallTiming;
}

/** Sizes of the call channel in bytes. */
export const CALL_SIZES = {
  /** Bodies above this travel by claim check. */
  inlineBodyMax: 128 * 1024,
  bodyChunk: 256 * 1024,
  bodyMax: 32 * 1024 * 1024,
  initialCredit: 256 * 1024,
  creditWindow: 256 * 1024,
  frameDataMax: 64 * 1024,
  wholeBodyMax: 512 * 1024,
  outstandingCreditMax: 16 * 1024 * 1024,
} as const;
