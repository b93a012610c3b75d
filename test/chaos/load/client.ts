import { request, type Dispatcher } from 'undici';
import type { CallPlan } from './call-plan.js';
import { judgeBody, type Outcome } from './outcome.js';
import type { Stutter } from './stutter.js';

export interface Gateway {
  readonly url: string;
  readonly key: string;
}

/** Beyond every promise: what takes longer is judged, not waited for for ever. */
const GIVE_UP_MS = 300_000;

/** Makes one call and tells how it ended. Never throws for what the gateway did. */
export async function makeCall(
  plan: CallPlan,
  {
    gateway,
    dispatcher,
    stutter,
  }: { readonly gateway: Gateway; readonly dispatcher: Dispatcher; readonly stutter: Stutter },
): Promise<Outcome> {
  const startedAt = performance.now();
  const seen = {
    callId: undefined as string | undefined,
    status: undefined as number | undefined,
    lastByteAt: startedAt,
  };
  const leave = new AbortController();
  const judged = await attempt().catch((error: unknown): Pick<Outcome, 'end' | 'detail'> => {
    if (leave.signal.aborted) return { end: 'left', detail: undefined };
    return { end: seen.status === undefined ? 'unanswered' : 'cut', detail: describe(error) };
  });
  const endedAt = performance.now();
  const { number, dialect, model, isStreamed } = plan;
  return {
    ...{ number, dialect, model, isStreamed },
    ...seen,
    ...judged,
    startedAt,
    endedAt,
    stutterMs: stutter.between(seen.lastByteAt, endedAt),
  };

  async function attempt(): Promise<Pick<Outcome, 'end' | 'detail'>> {
    const answer = await request(new URL(pathOf(plan), gateway.url), {
      method: 'POST',
      headers: headersOf(plan, gateway),
      body: plan.body,
      dispatcher,
      signal: leave.signal,
      headersTimeout: GIVE_UP_MS,
      bodyTimeout: GIVE_UP_MS,
    });
    const id = answer.headers['x-request-id'];
    seen.callId = typeof id === 'string' ? id : undefined;
    seen.status = answer.statusCode;
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const part of answer.body as AsyncIterable<Buffer>) {
      seen.lastByteAt = performance.now();
      parts.push(part);
      bytes += part.length;
      if (plan.leavesAfterBytes !== undefined && bytes >= plan.leavesAfterBytes) {
        leave.abort();
        return { end: 'left', detail: undefined };
      }
    }
    return judgeBody(plan, seen.status, Buffer.concat(parts).toString('utf8'));
  }
}

const pathOf = ({ dialect }: CallPlan): string => (dialect === 'openai' ? '/v1/chat/completions' : '/v1/messages');

const headersOf = ({ dialect }: CallPlan, { key }: Gateway): Record<string, string> => ({
  'content-type': 'application/json',
  ...(dialect === 'openai'
    ? { authorization: `Bearer ${key}` }
    : { 'x-api-key': key, 'anthropic-version': '2023-06-01' }),
});

const describe = (error: unknown): string => {
  const { code } = error as NodeJS.ErrnoException;
  return code ?? (error instanceof Error ? error.name : String(error));
};
