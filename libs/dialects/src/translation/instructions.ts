import type { CallRequest } from '@weir/call-model';
import type { DropList } from './drop-list.js';

export interface NativeMeans {
  readonly isToolChoiceNoneNative: boolean;
  /** Whether the target enforces a JSON schema itself. */
  readonly hasSchema: boolean;
}

/**
 * What the target has no field for, as a sentence to the model at the end of the system prompt: the tools stay defined (Claude on Converse
 * refuses a history with tool calls without them), and the caller's own tools are never replaced by an artificial one.
 */
export function instructionFor(request: CallRequest, native: NativeMeans, dropped: DropList): string | undefined {
  const sentences: string[] = [];
  if (request.toolChoice?.mode === 'none' && request.tools.length > 0 && !native.isToolChoiceNoneNative) {
    dropped.add('tool_choice.none', 'instructed');
    sentences.push('Do not call any tool in this turn; answer in text.');
  }
  const format = request.responseFormat;
  if (format?.type === 'json-object') {
    dropped.add('response_format.json_object', 'instructed');
    sentences.push('Answer with one JSON object and nothing else: no prose before or after it, no code fence.');
  } else if (format?.type === 'json-schema' && !native.hasSchema) {
    dropped.add('response_format.json_schema', 'instructed');
    sentences.push(
      `Answer with one JSON value that fits this JSON schema and nothing else, without a code fence:\n${JSON.stringify(format.schema)}`,
    );
  }
  return sentences.length === 0 ? undefined : sentences.join('\n');
}
