import type { CallEnvelopeV1, EndFrame, FailFrame, HeadFrame, WholeFrame, WorkerControl } from '@weir/contracts';

/** What a call is started with; the channel fills in the rest of the envelope. */
export type CallDraft = Omit<
  CallEnvelopeV1,
  'version' | 'ingressId' | 'body' | 'dispatchBy' | 'initialCredit' | 'target'
>;

export type CancelReason = Extract<WorkerControl, { kind: 'cancel' }>['reason'];

/**
 * What becomes of a call. Every method is called synchronously as its frame is read, in the order of the frames. Exactly one of
 * the terminal ones (`end`, `whole`, `fail`, `noResponders`, `notDispatched`, `lost`) is called, once, and nothing after it, also
 * after `cancel`: a cancelled call still ends with what its worker says it used. After `close` nothing is called.
 */
export interface CallHandlers {
  /** A worker has taken the call. Called once per attempt. */
  accepted?(control: string): void;
  /** At most once: after it the answer comes from this attempt or not at all. */
  head(frame: HeadFrame): void;
  /** A view of received bytes: may be kept, never written. Not called after `cancel`. */
  data(bytes: Buffer): void;
  /** The worker lives; `blockedAt` is the offset at which it waits for credit, or null. */
  ping?(blockedAt: number | null): void;
  end(frame: EndFrame): void;
  whole(frame: WholeFrame, body: Buffer): void;
  /**
   * The call failed. Beside what workers and the router send, the channel itself fails a call with `sequence_gap` (a frame was
   * lost), `internal` (a frame that cannot be read) and `bus_unavailable` (not connected: nothing was sent). For the first two it
   * has cancelled the worker and waited a moment for its account; where none came, `usageSource` is `bounded`, `attempts` empty.
   */
  fail(frame: FailFrame): void;
  /** Nobody listens on the route: nothing was sent to a provider. */
  noResponders(): void;
  /** Nobody took the call before `dispatchBy`, twice (once, where it was cancelled): nothing was sent to a provider. */
  notDispatched(): void;
  /** The worker that had accepted fell silent for `workerLostAfterMs`, or did not end a cancelled call. What it used is not known. */
  lost(): void;
}

export interface OpenCall {
  /**
   * Lets the worker send up to `absoluteOffset` bytes of data in all. Smaller or equal values do nothing. The channel may pass it
   * on in steps, so that what all calls together may receive stays under `outstandingCreditMax`.
   */
  grant(absoluteOffset: number): void;
  /** Stops the worker; repeated until the call has ended. The terminal handler still follows, within `cancelGiveUpAfterMs`. */
  cancel(reason: CancelReason): void;
  /** Calls no handler any more. A call that has not ended is cancelled. */
  close(): void;
}
