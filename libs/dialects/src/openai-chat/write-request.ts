import type { Block, CallRequest, ResponseFormat, TextBlock } from '@weir/call-model';
import type { TargetCapabilities, WrittenRequest } from '../dialect.js';
import { DropList } from '../translation/drop-list.js';
import { encodeJson, withoutUndefined, type JsonObject } from '../translation/json.js';
import { requireCapabilities } from '../translation/capabilities.js';
import { catchRequestFault } from '../translation/request-fault.js';
import { SHORT_TOOL_NAME, ToolNameMap } from '../translation/tool-names.js';
import { writeChatMessages } from './write-messages.js';

/** OpenAI's own limit. */
const STOP_SEQUENCES_MAX = 4;

/** Neutral call → Chat Completions body for this model. */
export function writeChatRequest(request: CallRequest, target: TargetCapabilities): WrittenRequest {
  return catchRequestFault<WrittenRequest>(() => {
    requireCapabilities(request, target);
    const dropped = new DropList();
    const names = new ToolNameMap(SHORT_TOOL_NAME);
    listCacheBreakpoints(request, dropped);
    const body = withoutUndefined({
      model: target.model,
      messages: writeChatMessages(request, target, names, dropped),
      ...writeTools(request, names),
      ...writeSampling(request, target, dropped),
      ...writeReasoning(request, target, dropped),
      [maxTokensField(target)]: Math.min(request.maxOutputTokens ?? target.maxOutputTokens, target.maxOutputTokens),
      stop: writeStop(request.stop, dropped),
      response_format: writeResponseFormat(request.responseFormat, target, dropped),
      n: request.choices,
      logprobs: request.logprobs,
      user: request.user,
      ...writeStream(request, target),
    });
    if (request.metadata) dropped.add('metadata', 'not_carried');
    return {
      ok: true,
      body: encodeJson(body),
      dropped: dropped.codes,
      context: { toolNames: names.upstreamToCaller },
    };
  });
}

function maxTokensField(target: TargetCapabilities): string {
  return target.maxTokensField ?? (target.reasoning === 'effort' ? 'max_completion_tokens' : 'max_tokens');
}

function writeStream(request: CallRequest, target: TargetCapabilities): JsonObject {
  if (!request.stream) return {};
  // Without it there is no usage, and so no price, at the end of a stream.
  return target.streamUsage === false ? { stream: true } : { stream: true, stream_options: { include_usage: true } };
}

function writeStop(stop: readonly string[], dropped: DropList): readonly string[] | undefined {
  if (stop.length > STOP_SEQUENCES_MAX) dropped.add('stop', 'more_than_4');
  return stop.length === 0 ? undefined : stop.slice(0, STOP_SEQUENCES_MAX);
}

function writeSampling(request: CallRequest, target: TargetCapabilities, dropped: DropList): JsonObject {
  const { temperature, topP, topK, frequencyPenalty, presencePenalty, seed } = request.sampling;
  if (topK !== undefined) dropped.add('top_k', 'not_supported');
  const fields = withoutUndefined({
    temperature,
    top_p: topP,
    frequency_penalty: frequencyPenalty,
    presence_penalty: presencePenalty,
  });
  if (target.samplingAccepted !== false) return withoutUndefined({ ...fields, seed });
  for (const field of Object.keys(fields)) dropped.add(field, 'not_accepted_by_model');
  return withoutUndefined({ seed });
}

function writeReasoning(request: CallRequest, target: TargetCapabilities, dropped: DropList): JsonObject {
  const { reasoning } = request;
  if (!reasoning) return {};
  if (target.reasoning !== 'effort') {
    if (reasoning.mode !== 'off') dropped.add('reasoning_effort', 'not_accepted_by_model');
    return {};
  }
  if (reasoning.mode === 'off') return { reasoning_effort: 'none' };
  if (reasoning.effort !== undefined)
    return { reasoning_effort: reasoning.effort === 'max' ? 'xhigh' : reasoning.effort };
  if (reasoning.budgetTokens === undefined) return {};
  dropped.add('thinking.budget_tokens', 'mapped_to_effort');
  return { reasoning_effort: effortOfBudget(reasoning.budgetTokens) };
}

function effortOfBudget(tokens: number): string {
  if (tokens <= 4096) return 'low';
  return tokens <= 12_288 ? 'medium' : 'high';
}

function writeTools(request: CallRequest, names: ToolNameMap): JsonObject {
  if (request.tools.length === 0) return {};
  return withoutUndefined({
    tools: request.tools.map((tool) => ({
      type: 'function',
      function: withoutUndefined({
        name: names.toUpstream(tool.name),
        description: tool.description,
        parameters: tool.inputSchema,
        strict: tool.strict,
      }),
    })),
    tool_choice: writeToolChoice(request, names),
    parallel_tool_calls: request.parallelToolCalls,
  });
}

function writeToolChoice(request: CallRequest, names: ToolNameMap): unknown {
  const choice = request.toolChoice;
  if (choice?.mode !== 'tool') return choice?.mode;
  return { type: 'function', function: { name: names.toUpstream(choice.name) } };
}

function writeResponseFormat(
  format: ResponseFormat | undefined,
  target: TargetCapabilities,
  dropped: DropList,
): unknown {
  if (format === undefined) return undefined;
  if (format.type === 'json-object') return { type: 'json_object' };
  if (target.structuredOutput === false) {
    dropped.add('response_format', 'schema_not_enforced');
    return { type: 'json_object' };
  }
  const { name, description, schema, strict } = format;
  // Chat demands a name; Anthropic and Converse have none to give.
  return {
    type: 'json_schema',
    json_schema: withoutUndefined({ name: name ?? 'response', description, schema, strict }),
  };
}

/** Chat upstreams cache by themselves, so breakpoints have nowhere to go. */
function listCacheBreakpoints(request: CallRequest, dropped: DropList): void {
  const blocks: readonly (Block | TextBlock)[] = [
    ...request.system,
    ...request.messages.flatMap((message) => message.content),
  ];
  const hasBreakpoint =
    request.tools.some((tool) => tool.cache !== undefined) ||
    blocks.some((block) => 'cache' in block && block.cache !== undefined);
  if (hasBreakpoint) dropped.add('cache_control', 'not_supported');
}
