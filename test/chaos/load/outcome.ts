import type { CallPlan, ClientDialect } from './call-plan.js';

/**
 * How a call ended for its client. `complete`: as its protocol demands. `error`: a typed error, as an answer of its own or inside the
 * stream. `left`: the client went. `cut`: the connection broke. `unanswered`: it broke, or could not be made, before any head of an answer.
 * `untyped`: it ended in a way that no client could tell from a whole answer, or in an error without a type.
 */
export type CallEnd = 'complete' | 'error' | 'left' | 'cut' | 'unanswered' | 'untyped';

export interface Outcome {
  readonly number: number;
  readonly dialect: ClientDialect;
  readonly model: string;
  readonly isStreamed: boolean;
  /** `x-request-id`, which is the record's `call_id`; undefined where no head came. */
  readonly callId: string | undefined;
  readonly status: number | undefined;
  readonly end: CallEnd;
  /** The typed error's code or type; else what broke. */
  readonly detail: string | undefined;
  readonly startedAt: number;
  readonly endedAt: number;
  /** When the last byte came; the start where none came. */
  readonly lastByteAt: number;
  /** For how long of the silence at the end this process was kept from running: on a busy machine every other was too. */
  readonly stutterMs: number;
}

interface ErrorBody {
  readonly error?: { readonly type?: string; readonly code?: string | null };
}

/** What a body that was read to its end says. */
export function judgeBody(plan: CallPlan, status: number, text: string): Pick<Outcome, 'end' | 'detail'> {
  try {
    return status === 200 && plan.isStreamed ? judgeStream(plan.dialect, text) : judgeWhole(status, text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { end: 'untyped', detail: `cannot be read: ${text.slice(-200)}` };
  }
}

function judgeWhole(status: number, text: string): Pick<Outcome, 'end' | 'detail'> {
  const { error } = JSON.parse(text) as ErrorBody;
  if (error !== undefined) return judgeError(error);
  return status === 200 ? { end: 'complete', detail: undefined } : { end: 'untyped', detail: `status ${status}` };
}

function judgeError({ type, code }: NonNullable<ErrorBody['error']>): Pick<Outcome, 'end' | 'detail'> {
  const detail = code ?? type;
  return detail === undefined ? { end: 'untyped', detail: 'an error without a type' } : { end: 'error', detail };
}

function judgeStream(dialect: ClientDialect, text: string): Pick<Outcome, 'end' | 'detail'> {
  const data = text.split('\n').filter((line) => line.startsWith('data: '));
  const last = data.at(-1)?.slice(6) ?? '';
  const found = data.find((line) => line.startsWith('data: {"error"') || line.startsWith('data: {"type":"error"'));
  if (found !== undefined) return judgeError((JSON.parse(found.slice(6)) as ErrorBody).error ?? {});
  const isWhole =
    dialect === 'openai' ? last === '[DONE]' : (JSON.parse(last || '{}') as { type?: string }).type === 'message_stop';
  return isWhole
    ? { end: 'complete', detail: undefined }
    : { end: 'untyped', detail: `ended with ${last.slice(0, 200)}` };
}
