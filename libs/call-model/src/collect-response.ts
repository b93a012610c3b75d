import type { OutputBlock, ReasoningBlock } from './block.js';
import type { CallResponse } from './call-response.js';
import type { StreamEvent } from './stream-event.js';

/**
 * Puts a finished stream together into the answer it stands for: blocks in the order they were started.
 * Used where a caller wants one answer and the upstream only streams, and as the oracle of stream tests.
 *
 * @returns undefined where the stream has no `finish`, or ended in an `error`.
 */
export function collectResponse(events: Iterable<StreamEvent>): CallResponse | undefined {
  const response: CallResponse = { id: '', model: '', content: [], finish: 'stop', usage: null };
  const blocks = new Map<number, OutputBlock>();
  let isFinished = false;
  for (const event of events) {
    if (event.type === 'error') return undefined;
    if (event.type === 'finish') isFinished = true;
    applyEvent(response, blocks, event);
  }
  if (!isFinished) return undefined;
  response.content = [...blocks.values()];
  return response;
}

function applyEvent(response: CallResponse, blocks: Map<number, OutputBlock>, event: StreamEvent): void {
  switch (event.type) {
    case 'message-start':
      response.id = event.id;
      response.model = event.model;
      return;
    case 'usage':
      response.usage = event.usage;
      return;
    case 'finish':
      response.finish = event.reason;
      if (event.stopSequence !== undefined) response.stopSequence = event.stopSequence;
      return;
    case 'text-start':
      blocks.set(event.block, { type: 'text', text: '', ...(event.refusal ? { refusal: true as const } : {}) });
      return;
    case 'tool-call-start':
      blocks.set(event.block, { type: 'tool-call', id: event.id, name: event.name, input: '' });
      return;
    case 'reasoning-start':
      blocks.set(event.block, { type: 'reasoning', text: '', origin: 'open' });
      return;
    default:
      extendBlock(blocks, event);
  }
}

function extendBlock(blocks: Map<number, OutputBlock>, event: StreamEvent): void {
  if (!('block' in event)) return;
  const block = blocks.get(event.block);
  if (block === undefined) return;
  switch (block.type) {
    case 'tool-call':
      if (event.type === 'tool-call-delta') block.input += event.fragment;
      return;
    case 'text':
      if (event.type === 'text-delta') block.text += event.text;
      return;
    case 'reasoning':
      if (event.type === 'reasoning-delta') block.text += event.text;
      if (event.type === 'reasoning-end') sealReasoning(block, event);
  }
}

function sealReasoning(block: ReasoningBlock, event: Extract<StreamEvent, { type: 'reasoning-end' }>): void {
  if (event.signature !== undefined) block.signature = event.signature;
  if (event.redacted !== undefined) block.redacted = event.redacted;
  if (event.signature !== undefined || event.redacted !== undefined) block.origin = 'claude';
}
