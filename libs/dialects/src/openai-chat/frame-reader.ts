import { parseSseFrame } from '../framing/sse.js';
import { hasValueOf, needle, type FrameReader, type Observation } from '../passthrough/observation.js';
import { malformedAnswer } from '../translation/answer-error.js';
import { arrayOf, findJsonObject, objectOf, stringOf, type JsonObject } from '../translation/json.js';
import { findChatStreamError } from './error.js';
import { mapChatFinish } from './finish.js';
import { findChatUsage } from './usage.js';

const USAGE = needle('"usage"');
const FINISH_REASON = needle('"finish_reason"');
const ERROR = needle('"error"');
const DONE = needle('[DONE]');

/** Parses a Chat stream's frames until the first token, and then only those that hold usage, a finish reason or an error. */
export class ChatFrameReader implements FrameReader {
  read(frame: Buffer, seen: Observation): void {
    const isTelling =
      !seen.hasFirstToken || hasValueOf(frame, USAGE) || hasValueOf(frame, FINISH_REASON) || hasValueOf(frame, ERROR);
    if (!isTelling) {
      if (frame.includes(DONE)) this.#readDone(frame, seen);
      return;
    }
    const event = parseSseFrame(frame);
    if (!event || event.data.trim() === '') return;
    if (event.data.trim() === '[DONE]') {
      seen.isComplete = true;
      return;
    }
    const json = findJsonObject(event.data);
    if (json) readChunk(json, seen);
    else seen.error = malformedAnswer('The provider sent a stream frame that is not valid JSON.');
  }

  #readDone(frame: Buffer, seen: Observation): void {
    if (parseSseFrame(frame)?.data.trim() === '[DONE]') seen.isComplete = true;
  }
}

function readChunk(json: JsonObject, seen: Observation): void {
  const error = findChatStreamError(json);
  if (error) {
    seen.error = error;
    return;
  }
  seen.id ??= stringOf(json['id']) ?? null;
  seen.model ??= stringOf(json['model']) ?? null;
  const usage = findChatUsage(json['usage'], json['service_tier']);
  if (usage) {
    seen.usage = usage.usage;
    seen.usageMismatch = usage.mismatch ?? null;
  }
  for (const item of arrayOf(json['choices'])) {
    const choice = objectOf(item);
    if (hasToken(objectOf(choice['delta']))) seen.hasFirstToken = true;
    const finish = stringOf(choice['finish_reason']);
    if (finish === undefined) continue;
    seen.finish = mapChatFinish(finish);
    // Some servers leave [DONE] out; the finish reason is the end of the answer all the same.
    seen.isComplete = true;
  }
}

const TOKEN_FIELDS = ['content', 'reasoning_content', 'reasoning', 'refusal'] as const;

function hasToken(delta: JsonObject): boolean {
  return TOKEN_FIELDS.some((field) => Boolean(delta[field])) || arrayOf(delta['tool_calls']).length > 0;
}

/**
 * The chunk that only states usage (`choices` empty), which a client that did not ask for it must not see. A chunk that has choices as well is
 * never hidden.
 */
export function isUsageOnlyFrame(frame: Buffer): boolean {
  if (!hasValueOf(frame, USAGE)) return false;
  const json = findJsonObject(parseSseFrame(frame)?.data ?? '');
  return json !== undefined && json['usage'] != null && Array.isArray(json['choices']) && json['choices'].length === 0;
}
