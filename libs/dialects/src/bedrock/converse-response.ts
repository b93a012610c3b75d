import type { CallResponse, OutputBlock } from '@weir/call-model';
import type { ParsedResponse, TranslationContext } from '../dialect.js';
import { decodeText } from '../framing/bytes.js';
import { malformedAnswer } from '../translation/answer-error.js';
import {
  arrayOf,
  encodeJson,
  findJsonObject,
  isJsonObject,
  objectOf,
  stringOf,
  type JsonObject,
} from '../translation/json.js';
import { parseToolInput } from '../translation/tool-input.js';
import { CLAUDE_TOOL_ID, mapToolCallId } from '../translation/tool-names.js';
import { mapConverseFinish, mapFinishToConverse } from './finish.js';
import { findConverseUsage, writeConverseUsage } from './usage.js';
import { writeReasoning } from './write-converse-messages.js';

/** Converse's answer. It has neither an id nor the model's name, so the context gives the name and the id stays empty. */
export function parseConverseResponse(body: Uint8Array, context: TranslationContext = {}): ParsedResponse {
  const json = findJsonObject(decodeText(body));
  if (!json) return { ok: false, error: malformedAnswer('The provider sent an answer that is not valid JSON.') };
  const content = objectOf(objectOf(json['output'])['message'])['content'];
  if (!Array.isArray(content))
    return { ok: false, error: malformedAnswer('The provider sent an answer without a message.') };
  const counted = findConverseUsage(json['usage'], json['serviceTier']);
  const response: CallResponse = {
    id: '',
    model: context.model ?? '',
    content: content.flatMap((block) => parseOutputBlock(objectOf(block), context)),
    finish: mapConverseFinish(stringOf(json['stopReason']) ?? 'end_turn'),
    usage: counted?.usage ?? null,
  };
  return { ok: true, response, ...(counted?.mismatch === undefined ? {} : { usageMismatch: counted.mismatch }) };
}

function parseOutputBlock(block: JsonObject, context: TranslationContext): OutputBlock[] {
  const text = stringOf(block['text']);
  if (text !== undefined) return [{ type: 'text', text }];
  if (isJsonObject(block['toolUse'])) {
    const { toolUseId, name, input } = block['toolUse'];
    const upstreamName = stringOf(name) ?? '';
    return [
      {
        type: 'tool-call',
        id: stringOf(toolUseId) ?? '',
        name: context.toolNames?.get(upstreamName) ?? upstreamName,
        input: JSON.stringify(input ?? {}),
      },
    ];
  }
  if (isJsonObject(block['reasoningContent'])) return parseReasoning(block['reasoningContent']);
  const cited = objectOf(block['citationsContent']);
  return arrayOf(cited['content']).flatMap((part) => parseOutputBlock(objectOf(part), context));
}

function parseReasoning(content: JsonObject): OutputBlock[] {
  const redacted = stringOf(content['redactedContent']);
  if (redacted !== undefined) return [{ type: 'reasoning', text: '', redacted, origin: 'claude' }];
  const reasoning = objectOf(content['reasoningText']);
  const text = stringOf(reasoning['text']) ?? '';
  const signature = stringOf(reasoning['signature']);
  return [
    signature ? { type: 'reasoning', text, signature, origin: 'claude' } : { type: 'reasoning', text, origin: 'open' },
  ];
}

export function writeConverseResponse(response: CallResponse): Uint8Array {
  return encodeJson({
    output: { message: { role: 'assistant', content: response.content.map(writeOutputBlock) } },
    stopReason: mapFinishToConverse(response.finish),
    usage: response.usage ? writeConverseUsage(response.usage) : { inputTokens: 0, outputTokens: 0, totalTokens: 0 },
    metrics: { latencyMs: 0 },
  });
}

function writeOutputBlock(block: OutputBlock): JsonObject {
  switch (block.type) {
    case 'text':
      return { text: block.text };
    case 'tool-call':
      return {
        toolUse: {
          toolUseId: mapToolCallId(block.id, CLAUDE_TOOL_ID),
          name: block.name,
          input: parseToolInput(block.input),
        },
      };
    case 'reasoning':
      return writeReasoning(block);
  }
}
