import type { CallResponse, FinishReason, OutputBlock, ReasoningBlock } from '@weir/call-model';
import type { ParsedResponse, TranslationContext } from '../dialect.js';
import { decodeText } from '../framing/bytes.js';
import { malformedAnswer } from '../translation/answer-error.js';
import { arrayOf, encodeJson, findJsonObject, objectOf, stringOf, type JsonObject } from '../translation/json.js';
import { CHAT_TOOL_ID, mapToolCallId } from '../translation/tool-names.js';
import { findChatStreamError } from './error.js';
import { mapChatFinish, mapFinishToChat } from './finish.js';
import { parseReasoning } from './parse-messages.js';
import { findChatUsage, writeChatUsage } from './usage.js';

/** A whole chat.completion; its first choice is the answer. */
export function parseChatResponse(body: Uint8Array, context: TranslationContext = {}): ParsedResponse {
  const json = findJsonObject(decodeText(body));
  if (!json) return { ok: false, error: malformedAnswer('The provider sent an answer that is not valid JSON.') };
  const error = findChatStreamError(json);
  if (error) return { ok: false, error };
  const choice = objectOf(arrayOf(json['choices'])[0]);
  const message = objectOf(choice['message']);
  if (Object.keys(message).length === 0) {
    return { ok: false, error: malformedAnswer('The provider sent an answer without a message.') };
  }
  const content = parseContent(message, context);
  const usage = findChatUsage(json['usage'], json['service_tier']);
  const response: CallResponse = {
    id: stringOf(json['id']) ?? '',
    model: context.model ?? stringOf(json['model']) ?? '',
    content,
    finish: parseFinish(choice, content),
    usage: usage?.usage ?? null,
  };
  return { ok: true, response, ...(usage?.mismatch === undefined ? {} : { usageMismatch: usage.mismatch }) };
}

/** Chat ends a refusal with an ordinary `stop`; the field it came in tells. */
function parseFinish(choice: JsonObject, content: readonly OutputBlock[]): FinishReason {
  const finish = mapChatFinish(stringOf(choice['finish_reason']) ?? 'stop');
  const isRefusal = content.some((block) => block.type === 'text' && block.refusal === true);
  return isRefusal && finish === 'stop' ? 'refusal' : finish;
}

function parseContent(message: JsonObject, context: TranslationContext): OutputBlock[] {
  const content: OutputBlock[] = [...parseAnswerReasoning(message)];
  const text = stringOf(message['content']);
  if (text) content.push({ type: 'text', text });
  const refusal = stringOf(message['refusal']);
  if (refusal) content.push({ type: 'text', text: refusal, refusal: true });
  for (const item of arrayOf(message['tool_calls'])) {
    const call = objectOf(item);
    const called = objectOf(call['function']);
    const name = stringOf(called['name']);
    if (name === undefined) continue;
    content.push({
      type: 'tool-call',
      id: stringOf(call['id']) ?? '',
      name: context.toolNames?.get(name) ?? name,
      input: stringOf(called['arguments']) ?? '',
    });
  }
  return content;
}

function parseAnswerReasoning(message: JsonObject): ReasoningBlock[] {
  const details = arrayOf(message['reasoning_details']).map(objectOf);
  // vLLM and OpenRouter say `reasoning` where DeepSeek says `reasoning_content`.
  const plain = stringOf(message['reasoning_content']) ?? stringOf(message['reasoning']);
  return parseReasoning({
    ...(plain ? { reasoning_content: plain } : {}),
    reasoning_details: details.map((detail) => ({ ...detail, type: stringOf(detail['type']) ?? '' })),
  });
}

export function writeChatResponse(response: CallResponse, context: TranslationContext = {}): Uint8Array {
  const message = writeMessage(response.content);
  return encodeJson({
    id: chatIdOf(response.id),
    object: 'chat.completion',
    created: context.createdAtSeconds ?? Math.floor(Date.now() / 1000),
    model: context.model ?? response.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: mapFinishToChat(response.finish) }],
    ...(response.usage ? { usage: writeChatUsage(response.usage) } : {}),
  });
}

/** Clients know Chat answers by this prefix; the provider's own id stays recognisable behind it. */
export function chatIdOf(id: string): string {
  return id.startsWith('chatcmpl-') ? id : `chatcmpl-${id}`;
}

function writeMessage(content: readonly OutputBlock[]): JsonObject {
  const textOf = (isRefusal: boolean): string =>
    content
      .map((block) => (block.type === 'text' && (block.refusal === true) === isRefusal ? block.text : ''))
      .join('');
  const calls = content.flatMap((block) => (block.type === 'tool-call' ? [block] : []));
  const reasoning = content.flatMap((block) => (block.type === 'reasoning' ? [block] : []));
  const message: JsonObject = { role: 'assistant', content: textOf(false) || null, refusal: textOf(true) || null };
  const thought = reasoning.map((block) => block.text).join('\n\n');
  if (thought !== '') message['reasoning_content'] = thought;
  const details = reasoning.flatMap((block, index) => writeReasoningDetail(block, index));
  if (details.length > 0) message['reasoning_details'] = details;
  if (calls.length > 0) {
    message['tool_calls'] = calls.map((call) => ({
      id: mapToolCallId(call.id, CHAT_TOOL_ID),
      type: 'function',
      function: { name: call.name, arguments: call.input.trim() === '' ? '{}' : call.input },
    }));
  }
  return message;
}

/** What a client has to send back unchanged for the reasoning to be of use again; nothing for plain reasoning. */
export function writeReasoningDetail(
  block: Pick<ReasoningBlock, 'text' | 'signature' | 'redacted'>,
  index: number,
): JsonObject[] {
  const format = 'anthropic-claude-v1';
  if (block.redacted !== undefined) return [{ type: 'reasoning.encrypted', data: block.redacted, format, index }];
  if (block.signature === undefined) return [];
  return [{ type: 'reasoning.text', text: block.text, signature: block.signature, format, index }];
}
