import type { Block, CallRequest } from '@weir/call-model';
import type { TargetCapabilities, WrittenRequest } from '../dialect.js';
import { limitBreakpoints } from '../anthropic/write-messages.js';
import { limitSampling } from '../anthropic/write-request.js';
import { requireCapabilities, requireSingleAnswer } from '../translation/capabilities.js';
import { DropList } from '../translation/drop-list.js';
import { instructionFor } from '../translation/instructions.js';
import { encodeJson, withoutUndefined, type JsonObject } from '../translation/json.js';
import { chooseThinking, type Thinking } from '../translation/reasoning.js';
import { catchRequestFault } from '../translation/request-fault.js';
import { SHORT_TOOL_NAME, ToolNameMap } from '../translation/tool-names.js';
import { ConverseMessageWriter } from './write-converse-messages.js';

/** Neutral call → Converse body (JSON, blobs in base64). Model and streaming go into the path. */
export function writeConverseRequest(request: CallRequest, target: TargetCapabilities): WrittenRequest {
  return catchRequestFault<WrittenRequest>(() => {
    requireCapabilities(request, target);
    requireSingleAnswer(request);
    const dropped = new DropList();
    const names = new ToolNameMap(SHORT_TOOL_NAME);
    const maxTokens = Math.min(request.maxOutputTokens ?? target.maxOutputTokens, target.maxOutputTokens);
    const thinking = chooseThinking(request, target, maxTokens, dropped);
    const writer = new ConverseMessageWriter(target, names, dropped);
    // In the prompt's order (tools, system, messages), which is that of the cache points.
    const toolConfig = writeToolConfig(request, names, writer, dropped);
    const system = writeSystem(request, target, writer, dropped);
    const body = withoutUndefined({
      messages: writer.writeMessages(request),
      system,
      inferenceConfig: {
        maxTokens,
        ...writeSampling(request, target, thinking, dropped),
        ...writeStop(request.stop, dropped),
      },
      toolConfig,
      outputConfig: writeOutputConfig(request, target, thinking),
      additionalModelRequestFields: writeAdditionalFields(request, target, thinking, dropped),
      requestMetadata: request.metadata,
    });
    limitBreakpoints(writer.cachePoints, 'cachePoint', dropped);
    removeEmptyBlocks(body);
    if (request.parallelToolCalls === false) dropped.add('parallel_tool_calls', 'not_supported');
    if (request.user !== undefined) dropped.add('user', 'not_supported');
    return { ok: true, body: encodeJson(body), dropped: dropped.codes, context: { toolNames: names.upstreamToCaller } };
  });
}

function writeSystem(
  request: CallRequest,
  target: TargetCapabilities,
  writer: ConverseMessageWriter,
  dropped: DropList,
): JsonObject[] | undefined {
  const hasSchema = target.structuredOutput !== false;
  const instruction = instructionFor(request, { isToolChoiceNoneNative: false, hasSchema }, dropped);
  const blocks: JsonObject[] = request.system
    .filter((block) => block.text.trim() !== '')
    .flatMap((block) => [{ text: block.text }, ...writer.cachePointOf(block)]);
  if (instruction !== undefined) blocks.push({ text: instruction });
  return blocks.length === 0 ? undefined : blocks;
}

function writeSampling(
  request: CallRequest,
  target: TargetCapabilities,
  thinking: Thinking,
  dropped: DropList,
): JsonObject {
  const { temperature, topP, frequencyPenalty, presencePenalty, seed } = request.sampling;
  for (const [field, value] of Object.entries({
    frequency_penalty: frequencyPenalty,
    presence_penalty: presencePenalty,
    seed,
  })) {
    if (value !== undefined) dropped.add(field, 'not_supported');
  }
  const fields = withoutUndefined({ temperature, top_p: topP });
  const reason = refusalOfSampling(target, thinking);
  if (reason !== undefined) {
    for (const field of Object.keys(fields)) dropped.add(field, reason);
    return {};
  }
  const limited = isClaude(target) ? limitSampling(fields, dropped) : fields;
  return withoutUndefined({ temperature: limited['temperature'], topP: limited['top_p'] });
}

function refusalOfSampling(target: TargetCapabilities, thinking: Thinking): string | undefined {
  if (target.samplingAccepted === false) return 'not_accepted_by_model';
  return thinking.isOn && isClaude(target) ? 'conflicts_with_thinking' : undefined;
}

/** Of the models behind Converse only Claude signs reasoning and has its rules for sampling. */
function isClaude(target: TargetCapabilities): boolean {
  return target.signedReasoning ?? target.reasoning === 'thinking';
}

function writeStop(stop: readonly string[], dropped: DropList): JsonObject {
  const sequences = stop.filter((sequence) => sequence.trim() !== '');
  if (sequences.length < stop.length) dropped.add('stop', 'whitespace_only');
  return sequences.length === 0 ? {} : { stopSequences: sequences };
}

/**
 * Converse refuses a history with tool calls and no tools, so a call that brings none defines the ones its history names.
 * It has no tool choice `none`: the tools stay and an instruction says not to use them (see `instructionFor`).
 */
function writeToolConfig(
  request: CallRequest,
  names: ToolNameMap,
  writer: ConverseMessageWriter,
  dropped: DropList,
): JsonObject | undefined {
  const tools: JsonObject[] = request.tools.flatMap((tool) => [
    {
      toolSpec: withoutUndefined({
        name: names.toUpstream(tool.name),
        // An empty description is refused.
        description: tool.description === '' ? undefined : tool.description,
        inputSchema: { json: { type: 'object', ...tool.inputSchema } },
        strict: tool.strict,
      }),
    },
    ...writer.cachePointOf(tool),
  ]);
  if (tools.length > 0) return withoutUndefined({ tools, toolChoice: writeToolChoice(request, names) });
  const called = toolsOfHistory(request);
  if (called.length === 0) return undefined;
  dropped.add('tools', 'defined_from_history');
  return {
    tools: called.map((name) => ({
      toolSpec: { name: names.toUpstream(name), inputSchema: { json: { type: 'object' } } },
    })),
  };
}

function toolsOfHistory(request: CallRequest): string[] {
  const blocks: Block[] = request.messages.flatMap((message) => message.content);
  const names = new Set(blocks.flatMap((block) => (block.type === 'tool-call' ? [block.name] : [])));
  const hasResult = blocks.some((block) => block.type === 'tool-result');
  return names.size === 0 && hasResult ? ['tool'] : [...names];
}

function writeToolChoice(request: CallRequest, names: ToolNameMap): JsonObject | undefined {
  switch (request.toolChoice?.mode) {
    case 'auto':
      return { auto: {} };
    case 'required':
      return { any: {} };
    case 'tool':
      return { tool: { name: names.toUpstream(request.toolChoice.name) } };
    case 'none':
    case undefined:
      return undefined;
  }
}

function writeOutputConfig(
  request: CallRequest,
  target: TargetCapabilities,
  thinking: Thinking,
): JsonObject | undefined {
  const format = request.responseFormat;
  const isNative = format?.type === 'json-schema' && target.structuredOutput !== false;
  const config = withoutUndefined({
    effort: thinking.effort,
    textFormat: isNative
      ? {
          type: 'json_schema',
          structure: {
            jsonSchema: withoutUndefined({
              schema: JSON.stringify(format.schema),
              name: format.name,
              description: format.description,
            }),
          },
        }
      : undefined,
  });
  return Object.keys(config).length === 0 ? undefined : config;
}

/** Claude's own fields, which Converse passes on; other models take effort alone. */
function writeAdditionalFields(
  request: CallRequest,
  target: TargetCapabilities,
  thinking: Thinking,
  dropped: DropList,
): JsonObject | undefined {
  const { topK } = request.sampling;
  const fields: JsonObject = {};
  if (thinking.config && isClaude(target)) fields['thinking'] = thinking.config;
  if (topK !== undefined) {
    if (isClaude(target) && refusalOfSampling(target, thinking) === undefined) fields['top_k'] = topK;
    else dropped.add('top_k', 'not_supported');
  }
  return Object.keys(fields).length === 0 ? undefined : fields;
}

/** Cache points over the limit leave empty objects behind, which Converse refuses. */
function removeEmptyBlocks(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const body = value as {
    messages?: { content: JsonObject[] }[];
    system?: JsonObject[];
    toolConfig?: { tools: JsonObject[] };
  };
  const lists = [
    ...(body.messages ?? []).map((message) => message.content),
    body.system ?? [],
    body.toolConfig?.tools ?? [],
  ];
  for (const list of lists) {
    for (let index = list.length - 1; index >= 0; index -= 1) {
      if (Object.keys(list[index] ?? {}).length === 0) list.splice(index, 1);
    }
  }
}
