import { lastUserText, type ModelRequest, type ToolDefinition } from './conversation.js';
import { withoutDirectives, type Directive } from './directive.js';
import { instanceOfSchema } from './schema-instance.js';

export interface ToolCall {
  /** Unique within a conversation, without a provider's prefix. */
  readonly id: string;
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
}

const asksForTools = /\b(?:use|using|call|invoke|run|tools?|functions?)\b|使用|调用|工具|函数/i;
const asksForATool =
  /\b(?:use|call|invoke|run)\b[^.?!]{0,60}\b(?:tools?|functions?)\b|(?:使用|调用)[^。？！]{0,20}(?:工具|函数)/i;

/**
 * Which offered tools the model calls: those the directive orders, else what tool choice demands, else those the
 * prompt asks for. Arguments come from the directive or are an instance of the tool's schema.
 */
export function chooseToolCalls(request: ModelRequest, directive: Directive, seed: string): ToolCall[] {
  if (request.toolChoice.mode === 'none' || request.tools.length === 0) return [];
  const ordered = directive.tools.flatMap((order) => {
    const tool = request.tools.find((each) => each.name === order.name);
    return tool === undefined ? [] : [{ tool, input: order.arguments }];
  });
  const wanted = ordered.length > 0 ? ordered : demandedTools(request).map((tool) => ({ tool, input: undefined }));
  const allowed = request.parallelTools ? wanted : wanted.slice(0, 1);
  return allowed.map(({ tool, input }, index) => ({
    id: `${seed.slice(0, 20)}${String(index).padStart(4, '0')}`,
    name: tool.name,
    arguments: JSON.stringify(input ?? instanceOfSchema({ type: 'object', ...tool.schema }, seed)),
  }));
}

function demandedTools(request: ModelRequest): ToolDefinition[] {
  const { toolChoice, tools } = request;
  if (toolChoice.mode === 'named') return tools.filter((tool) => tool.name === toolChoice.name);
  const prompt = withoutDirectives(lastUserText(request.turns));
  const mentioned = asksForTools.test(prompt) ? tools.filter((tool) => mentions(prompt, tool.name)) : [];
  if (mentioned.length > 0) return mentioned;
  return toolChoice.mode === 'required' || asksForATool.test(prompt) ? tools.slice(0, 1) : [];
}

function mentions(prompt: string, name: string): boolean {
  const at = prompt.indexOf(name);
  if (at === -1) return false;
  const around = `${prompt[at - 1] ?? ' '}${prompt[at + name.length] ?? ' '}`;
  return !/[A-Za-z0-9_]/.test(around);
}
