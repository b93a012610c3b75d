import type { CallError } from '@weir/call-model';

/** The provider's bytes are not what its format allows. */
export function malformedAnswer(message: string): CallError {
  return { type: 'malformed', status: 502, message };
}

/** Reading the provider's stream failed; `cause` is what the reader threw. */
export function unreadableStream(cause: unknown): CallError {
  return malformedAnswer(
    `The provider's stream cannot be read: ${cause instanceof Error ? cause.message : 'unknown'}.`,
  );
}

/** The provider's stream stopped before its end. */
export function incompleteAnswer(): CallError {
  return { type: 'incomplete', status: 502, message: 'The provider ended the stream before the answer was complete.' };
}
