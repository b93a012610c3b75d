import type { CallResponse, OutputBlock } from '@weir/call-model';
import type { ParsedResponse, TranslationContext } from '../dialect.js';
import { decodeText } from '../framing/bytes.js';
import { malformedAnswer } from '../translation/answer-error.js';
import { arrayOf, encodeJson, findJsonObject, objectOf, stringOf, type JsonObject } from '../translation/json.js';
import { parseToolInput } from '../translation/tool-input.js';
import { CLAUDE_TOOL_ID, mapToolCallId } from '../translation/tool-names.js';
import { findAnthropicError } from './error.js';
import { mapAnthropicFinish, mapFinishToAnthropic } from './finish.js';
import { AnthropicUsage, writeAnthropicUsage } from './usage.js';
import { writeThinking } from './write-messages.js';

/** A whole message. Blocks of server tools are left out: nothing in another dialect stands for them. */
export function parseMessagesResponse(body: Uint8Array, context: TranslationContext = {}): ParsedResponse {
  const json = findJsonObject(decodeText(body));
  if (!json) return { ok: false, error: malformedAnswer('The provider sent an answer that is not valid JSON.') };
  const error = findAnthropicError(json);
  if (error) return { ok: false, error };
  if (!Array.isArray(json['content']))
    return { ok: false, error: malformedAnswer('The provider sent an answer without content.') };
  const counted = new AnthropicUsage();
  counted.add(json['usage']);
  const stopSequence = stringOf(json['stop_sequence']);
  const response: CallResponse = {
    id: stringOf(json['id']) ?? '',
    model: context.model ?? stringOf(json['model']) ?? '',
    content: arrayOf(json['content']).flatMap((block) => parseOutputBlock(objectOf(block), context)),
    finish: mapAnthropicFinish(stringOf(json['stop_reason']) ?? 'end_turn'),
    ...(stopSequence === undefined ? {} : { stopSequence }),
    usage: counted.usage ?? null,
  };
  const { mismatch } = counted;
  return { ok: true, response, ...(mismatch === undefined ? {} : { usageMismatch: mismatch }) };
}

function parseOutputBlock(block: JsonObject, context: TranslationContext): OutputBlock[] {
  switch (block['type']) {
    case 'text':
      return [{ type: 'text', text: stringOf(block['text']) ?? '' }];
    case 'tool_use': {
      const name = stringOf(block['name']) ?? '';
      return [
        {
          type: 'tool-call',
          id: stringOf(block['id']) ?? '',
          name: context.toolNames?.get(name) ?? name,
          input: JSON.stringify(block['input'] ?? {}),
        },
      ];
    }
    case 'thinking': {
      const text = stringOf(block['thinking']) ?? '';
      const signature = stringOf(block['signature']);
      return [
        signature
          ? { type: 'reasoning', text, signature, origin: 'claude' }
          : { type: 'reasoning', text, origin: 'open' },
      ];
    }
    case 'redacted_thinking':
      return [{ type: 'reasoning', text: '', redacted: stringOf(block['data']) ?? '', origin: 'claude' }];
    default:
      return [];
  }
}

export function writeMessagesResponse(response: CallResponse, context: TranslationContext = {}): Uint8Array {
  return encodeJson({
    id: messageIdOf(response.id),
    type: 'message',
    role: 'assistant',
    model: context.model ?? response.model,
    content: response.content.map(writeOutputBlock),
    stop_reason: mapFinishToAnthropic(response.finish),
    stop_sequence: response.stopSequence ?? null,
    usage: response.usage ? writeAnthropicUsage(response.usage) : { input_tokens: 0, output_tokens: 0 },
  });
}

/** Clients know messages by this prefix; the provider's own id stays recognisable behind it. */
export function messageIdOf(id: string): string {
  return id.startsWith('msg_') ? id : `msg_${id}`;
}

function writeOutputBlock(block: OutputBlock): JsonObject {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: block.text, citations: null };
    case 'tool-call':
      return {
        type: 'tool_use',
        id: mapToolCallId(block.id, CLAUDE_TOOL_ID),
        name: block.name,
        input: parseToolInput(block.input),
      };
    case 'reasoning':
      return writeThinking(block);
  }
}
