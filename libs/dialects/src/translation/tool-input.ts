import type { DropList } from './drop-list.js';
import { isJsonObject, type JsonObject } from './json.js';

/**
 * A tool call's JSON text as the object Anthropic and Bedrock want. Empty text is `{}`. What is no JSON object
 * (models write that sometimes, and it comes back in the history) is wrapped and listed, because refusing it would end
 * the conversation for good.
 */
export function parseToolInput(text: string, dropped?: DropList): JsonObject {
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    dropped?.add('tool_calls.arguments', 'invalid_json_wrapped');
    return { invalid_json: text };
  }
  if (isJsonObject(value)) return value;
  dropped?.add('tool_calls.arguments', 'not_an_object_wrapped');
  return { value };
}
