import {
  AcceptedFrame,
  EndFrame,
  ERRORS,
  FailFrame,
  FRAME,
  HeadFrame,
  WholeFrame,
  type ErrorCode,
} from '@weir/contracts';
import type { z } from 'zod';
import { splitWhole, type DecodedFrame } from './frame-codec.js';

/** The validated value of a frame's JSON, or undefined. */
export function parseJson<T>(schema: z.ZodType<T>, json: string): T | undefined {
  try {
    const parsed = schema.safeParse(JSON.parse(json));
    return parsed.success ? parsed.data : undefined;
  } catch {
    // Not JSON: the caller breaks the call off and says so.
    return undefined;
  }
}

/** The control subject a frame names, where it names one. */
export function controlOf(frame: DecodedFrame): string | undefined {
  if (frame.type === FRAME.accepted) return parseJson(AcceptedFrame, frame.payload.toString('utf8'))?.control;
  if (frame.type === FRAME.head) return parseJson(HeadFrame, frame.payload.toString('utf8'))?.control;
  return undefined;
}

type Account = Pick<FailFrame, 'attempts' | 'usage' | 'usageSource'>;

/** What a worker's terminal frame says of the attempts and their use. */
export function accountOf(frame: DecodedFrame): Account | undefined {
  const json = frame.payload.toString('utf8');
  if (frame.type === FRAME.end) return parseJson(EndFrame, json);
  if (frame.type === FRAME.fail) return parseJson(FailFrame, json);
  const parts = splitWhole(frame.payload);
  return parts === undefined ? undefined : parseJson(WholeFrame, parts.json)?.end;
}

/** A failure that the channel itself found. */
export function failFrame(code: ErrorCode, served: FailFrame['served'], account?: Account): FailFrame {
  return {
    failure: { code, message: ERRORS[code].message, status: null, retryAfterSeconds: null, upstream: null },
    attempts: account?.attempts ?? [],
    served,
    usage: account?.usage ?? null,
    usageSource: account?.usageSource ?? (code === 'bus_unavailable' ? 'none' : 'bounded'),
  };
}
