/**
 * - `recording`: `call.started` is on its way into the journal; nothing has left this process.
 * - `waiting`: the call is published; no part of an answer has come.
 * - `answering`: the head of an answer is known.
 * - `flushing`: the last byte was handed to the client's connection, which is still open.
 * - `cancelling`: the client needs nothing more; the worker's last word, and with it the cost, is awaited (the channel bounds the wait).
 * - `closed`: recorded. Every later event is ignored.
 */
export type CallPhase = 'recording' | 'waiting' | 'answering' | 'flushing' | 'cancelling' | 'closed';

/** A terminal frame that came while the gate was shut. */
export type PendingEnd = 'end' | 'whole' | 'failure' | null;

export interface CallState {
  readonly phase: CallPhase;
  /** JetStream has acknowledged `call.started`: bytes may go to the client. */
  readonly isGateOpen: boolean;
  readonly isHeadSent: boolean;
  readonly isClientGone: boolean;
  readonly pending: PendingEnd;
}

export type CallEvent =
  | 'recorded'
  | 'record-failed'
  | 'acknowledged'
  | 'acknowledgement-overdue'
  | 'head'
  | 'end'
  | 'whole'
  /** The worker says that the call failed; with it, what the attempts have cost. */
  | 'failed-upstream'
  /** The call failed without an answer of a provider: no worker, no target, worker lost. Nothing more will be heard of it. */
  | 'failed-here'
  | 'client-closed'
  | 'drain-overdue';

/** What the state machine wants done, in this order. */
export type CallCommand =
  | 'start-call'
  | 'send-head'
  | 'send-whole'
  | 'end-answer'
  /** Answer with the failure: an error of its own before the head, an error inside the stream after it. */
  | 'send-failure'
  | 'refuse-unrecorded'
  | 'refuse-unacknowledged'
  | 'refuse-draining'
  | 'cancel-client-gone'
  | 'cancel-draining'
  | 'cancel-denied'
  | 'close-connection'
  | 'record-finished';

export interface Transition {
  readonly state: CallState;
  readonly commands: readonly CallCommand[];
}

export const INITIAL_CALL: CallState = {
  phase: 'recording',
  isGateOpen: false,
  isHeadSent: false,
  isClientGone: false,
  pending: null,
};

const NOTHING: readonly CallCommand[] = [];
const stay = (state: CallState): Transition => ({ state, commands: NOTHING });
const to = (state: CallState, change: Partial<CallState>, ...commands: CallCommand[]): Transition => ({
  state: { ...state, ...change },
  commands,
});
const close = (state: CallState, ...commands: CallCommand[]): Transition =>
  to(state, { phase: 'closed' }, ...commands, 'record-finished');

function reduceRecording(state: CallState, event: CallEvent): Transition {
  switch (event) {
    case 'recorded':
      return state.isClientGone ? close(state) : to(state, { phase: 'waiting' }, 'start-call');
    case 'record-failed':
      return to(state, { phase: 'closed' }, 'refuse-unrecorded');
    case 'client-closed':
      return to(state, { isClientGone: true });
    default:
      return stay(state);
  }
}

/** The gate has opened: what waited behind it goes out. */
function openGate(state: CallState): Transition {
  const open = { ...state, isGateOpen: true };
  switch (state.pending) {
    case 'whole':
      return to(open, { phase: 'flushing', isHeadSent: true, pending: null }, 'send-whole');
    case 'end':
      return to(open, { phase: 'flushing', isHeadSent: true, pending: null }, 'send-head', 'end-answer');
    case 'failure':
      return to(open, { phase: 'flushing', pending: null }, 'send-failure');
    case null:
      return state.phase === 'answering' ? to(open, { isHeadSent: true }, 'send-head') : stay(open);
  }
}

function clientClosed(state: CallState): Transition {
  const gone = { ...state, isClientGone: true };
  return state.pending === null ? to(gone, { phase: 'cancelling' }, 'cancel-client-gone') : close(gone);
}

function overdue(state: CallState, refusal: CallCommand, cancel: CallCommand): Transition {
  // Where the last word has come, there is nobody left to cancel.
  if (state.pending !== null) return to(state, { phase: 'flushing' }, refusal);
  return to(state, { phase: 'cancelling' }, refusal, cancel);
}

function terminal(state: CallState, event: 'end' | 'whole' | 'failed-upstream'): Transition {
  if (!state.isGateOpen) return to(state, { pending: event === 'failed-upstream' ? 'failure' : event });
  if (event === 'failed-upstream') return to(state, { phase: 'flushing' }, 'send-failure');
  if (event === 'whole') return to(state, { phase: 'flushing', isHeadSent: true }, 'send-whole');
  return to(state, { phase: 'flushing' }, 'end-answer');
}

/** `waiting` and `answering`: the call runs. */
function reduceRunning(state: CallState, event: CallEvent): Transition {
  switch (event) {
    case 'acknowledged':
      return openGate(state);
    case 'head':
      if (state.phase === 'answering' || state.pending !== null) return stay(state);
      return state.isGateOpen
        ? to(state, { phase: 'answering', isHeadSent: true }, 'send-head')
        : to(state, { phase: 'answering' });
    case 'end':
    case 'whole':
    case 'failed-upstream':
      return state.pending === null ? terminal(state, event) : stay(state);
    case 'failed-here':
      // Says nothing about an answer, so it need not wait for the gate; behind a pending end it is too late to matter.
      return state.pending === null ? to(state, { phase: 'flushing' }, 'send-failure') : stay(state);
    case 'acknowledgement-overdue':
      return state.isGateOpen ? stay(state) : overdue(state, 'refuse-unacknowledged', 'cancel-denied');
    case 'drain-overdue':
      return overdue(state, 'refuse-draining', 'cancel-draining');
    case 'client-closed':
      return clientClosed(state);
    default:
      return stay(state);
  }
}

function reduceFlushing(state: CallState, event: CallEvent): Transition {
  if (event === 'client-closed') return close(state);
  // A client that reads too slowly to be done by now is cut off; the closing of its connection ends the call.
  return event === 'drain-overdue' ? to(state, {}, 'close-connection') : stay(state);
}

function reduceCancelling(state: CallState, event: CallEvent): Transition {
  switch (event) {
    case 'end':
    case 'whole':
    case 'failed-upstream':
    case 'failed-here':
      return close(state);
    case 'client-closed':
      return to(state, { isClientGone: true });
    default:
      return stay(state);
  }
}

/**
 * The life of one call, from the journal to its record. Pure; bytes between head and end do not pass through here. Holds for every order of
 * events: nothing goes to the client before `acknowledged` but an error of our own making, exactly one `record-finished` follows
 * `recorded`, and a worker that may still be running when its client needs no more is cancelled.
 */
export function reduceCall(state: CallState, event: CallEvent): Transition {
  switch (state.phase) {
    case 'recording':
      return reduceRecording(state, event);
    case 'waiting':
    case 'answering':
      return reduceRunning(state, event);
    case 'flushing':
      return reduceFlushing(state, event);
    case 'cancelling':
      return reduceCancelling(state, event);
    case 'closed':
      return stay(state);
  }
}
