/** When a worker takes no more calls. Two marks for each quantity, so that it does not flap. */
export interface CapacityPolicy {
  readonly callsMax: number;
  readonly bodyBytesMax: number;
  readonly loopDelayMsMax: number;
}

export interface Load {
  readonly calls: number;
  /** Request bodies held. */
  readonly bodyBytes: number;
  /** Mean delay of the event loop over the last interval. */
  readonly loopDelayMs: number;
}

/** Share of a limit below which a saturated worker accepts again. */
const RESUME_AT = 0.8;

/** Whether the worker is saturated now, given whether it was. */
export function isSaturated(wasSaturated: boolean, load: Load, policy: CapacityPolicy): boolean {
  const share = Math.max(
    load.calls / policy.callsMax,
    load.bodyBytes / policy.bodyBytesMax,
    load.loopDelayMs / policy.loopDelayMsMax,
  );
  return share >= (wasSaturated ? RESUME_AT : 1);
}

/** Whether one provider's connections are all in use, given whether they were. */
export function isProviderFull(wasFull: boolean, running: number, connectionsMax: number): boolean {
  return running >= (wasFull ? Math.ceil(connectionsMax * RESUME_AT) : connectionsMax);
}
