import type { CallRequest, Sampling } from '@weir/call-model';
import type { TargetCapabilities, WrittenRequest } from '../dialect.js';
import { requireCapabilities, requireSingleAnswer } from '../translation/capabilities.js';
import { DropList } from '../translation/drop-list.js';
import { instructionFor } from '../translation/instructions.js';
import { arrayOf, encodeJson, isJsonObject, withoutUndefined, type JsonObject } from '../translation/json.js';
import { chooseThinking, type Thinking } from '../translation/reasoning.js';
import { catchRequestFault } from '../translation/request-fault.js';
import { LONG_TOOL_NAME, ToolNameMap } from '../translation/tool-names.js';
import { cacheControlOf, limitBreakpoints, writeMessages } from './write-messages.js';

/** The first version on which sampling parameters are refused, even with their default values. */
const NO_SAMPLING_SINCE = '2026-10-21';

/** Neutral call → Messages body for this model. */
export function writeMessagesRequest(request: CallRequest, target: TargetCapabilities): WrittenRequest {
  return writeClaudeBody(request, target, { model: target.model, ...(request.stream ? { stream: true } : {}) });
}

/** The body with these fields in front; InvokeModel puts others there than the Messages API. */
export function writeClaudeBody(request: CallRequest, target: TargetCapabilities, leading: JsonObject): WrittenRequest {
  return catchRequestFault<WrittenRequest>(() => {
    requireCapabilities(request, target);
    requireSingleAnswer(request);
    const dropped = new DropList();
    const names = new ToolNameMap(LONG_TOOL_NAME);
    const maxTokens = Math.min(request.maxOutputTokens ?? target.maxOutputTokens, target.maxOutputTokens);
    const thinking = chooseThinking(request, target, maxTokens, dropped);
    const body: JsonObject = {
      ...leading,
      max_tokens: maxTokens,
      ...writeSystem(request, target, dropped),
      messages: writeMessages(request, target, names, dropped),
      ...writeTools(request, names),
      ...writeSampling(request.sampling, target, thinking, dropped),
      ...writeStop(request.stop, dropped),
      ...writeOutputConfig(request, target, thinking),
      ...(request.user === undefined ? {} : { metadata: { user_id: request.user } }),
    };
    if (request.metadata) dropped.add('metadata', 'not_carried');
    applyCacheRules(body, target, dropped);
    return { ok: true, body: encodeJson(body), dropped: dropped.codes, context: { toolNames: names.upstreamToCaller } };
  });
}

function writeSystem(request: CallRequest, target: TargetCapabilities, dropped: DropList): JsonObject {
  const blocks: JsonObject[] = request.system
    .filter((block) => block.text.trim() !== '')
    .map((block) => ({ type: 'text', text: block.text, ...cacheControlOf(block) }));
  const instruction = instructionFor(
    request,
    { isToolChoiceNoneNative: true, hasSchema: target.structuredOutput !== false },
    dropped,
  );
  if (instruction !== undefined) blocks.push({ type: 'text', text: instruction });
  return blocks.length === 0 ? {} : { system: blocks };
}

function writeTools(request: CallRequest, names: ToolNameMap): JsonObject {
  if (request.tools.length === 0) return {};
  return withoutUndefined({
    tools: request.tools.map((tool) =>
      withoutUndefined({
        name: names.toUpstream(tool.name),
        description: tool.description,
        input_schema: { type: 'object', ...tool.inputSchema },
        strict: tool.strict,
        ...cacheControlOf(tool),
      }),
    ),
    tool_choice: writeToolChoice(request, names),
  });
}

function writeToolChoice(request: CallRequest, names: ToolNameMap): JsonObject | undefined {
  const sequential = request.parallelToolCalls === false ? { disable_parallel_tool_use: true } : {};
  switch (request.toolChoice?.mode) {
    case 'auto':
      return { type: 'auto', ...sequential };
    case 'required':
      return { type: 'any', ...sequential };
    case 'none':
      return { type: 'none' };
    case 'tool':
      return { type: 'tool', name: names.toUpstream(request.toolChoice.name), ...sequential };
    case undefined:
      return request.parallelToolCalls === false ? { type: 'auto', ...sequential } : undefined;
  }
}

function writeSampling(
  sampling: Sampling,
  target: TargetCapabilities,
  thinking: Thinking,
  dropped: DropList,
): JsonObject {
  for (const [field, value] of Object.entries({
    frequency_penalty: sampling.frequencyPenalty,
    presence_penalty: sampling.presencePenalty,
    seed: sampling.seed,
  })) {
    if (value !== undefined) dropped.add(field, 'not_supported');
  }
  const fields = withoutUndefined({ temperature: sampling.temperature, top_p: sampling.topP, top_k: sampling.topK });
  const reason = refusalOfSampling(target, thinking);
  if (reason !== undefined) {
    for (const field of Object.keys(fields)) dropped.add(field, reason);
    return {};
  }
  return limitSampling(fields, dropped);
}

function refusalOfSampling(target: TargetCapabilities, thinking: Thinking): string | undefined {
  if (target.apiVersion !== undefined && target.apiVersion >= NO_SAMPLING_SINCE)
    return `not_accepted_on_${target.apiVersion}`;
  if (target.samplingAccepted === false) return 'not_accepted_by_model';
  return thinking.isOn ? 'conflicts_with_thinking' : undefined;
}

/** Chat's temperature goes to 2, Claude's to 1; Claude refuses temperature and top_p together. */
export function limitSampling(fields: JsonObject, dropped: DropList): JsonObject {
  const limited = { ...fields };
  if (typeof limited['temperature'] === 'number' && limited['temperature'] > 1) {
    limited['temperature'] = 1;
    dropped.add('temperature', 'limited_to_1');
  }
  if (limited['temperature'] !== undefined && limited['top_p'] !== undefined) {
    delete limited['top_p'];
    dropped.add('top_p', 'conflicts_with_temperature');
  }
  return limited;
}

function writeStop(stop: readonly string[], dropped: DropList): JsonObject {
  const sequences = stop.filter((sequence) => sequence.trim() !== '');
  if (sequences.length < stop.length) dropped.add('stop', 'whitespace_only');
  return sequences.length === 0 ? {} : { stop_sequences: sequences };
}

function writeOutputConfig(request: CallRequest, target: TargetCapabilities, thinking: Thinking): JsonObject {
  const { responseFormat } = request;
  const isNative = responseFormat?.type === 'json-schema' && target.structuredOutput !== false;
  const config = withoutUndefined({
    effort: thinking.effort,
    format: isNative ? { type: 'json_schema', schema: responseFormat.schema } : undefined,
  });
  return {
    ...(thinking.config ? { thinking: thinking.config } : {}),
    ...(Object.keys(config).length === 0 ? {} : { output_config: config }),
  };
}

function applyCacheRules(body: JsonObject, target: TargetCapabilities, dropped: DropList): void {
  const holders = [
    ...arrayOf(body['tools']),
    ...arrayOf(body['system']),
    ...arrayOf(body['messages']).flatMap((message) => (isJsonObject(message) ? arrayOf(message['content']) : [])),
  ].filter(isJsonObject);
  if (target.cacheBreakpoints !== false) {
    limitBreakpoints(holders, 'cache_control', dropped);
    return;
  }
  for (const holder of holders) {
    if (!('cache_control' in holder)) continue;
    delete holder['cache_control'];
    dropped.add('cache_control', 'not_accepted_by_model');
  }
}
