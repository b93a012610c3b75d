import type { Block, CallRequest } from '@weir/call-model';
import type { TargetCapabilities } from '../dialect.js';
import { RequestFaultError } from './request-fault.js';

/** Refuses what would change the meaning of the call if it were left out. @throws RequestFaultError */
export function requireCapabilities(request: CallRequest, target: TargetCapabilities): void {
  if (target.images === false && request.messages.some((message) => hasImage(message.content))) {
    throw new RequestFaultError('messages', 'The model does not accept images.');
  }
  if (target.tools === false && request.tools.length > 0) {
    throw new RequestFaultError('tools', 'The model does not accept tools.');
  }
}

/** Anthropic and Bedrock give one answer, without probabilities. @throws RequestFaultError */
export function requireSingleAnswer(request: CallRequest): void {
  if (request.choices !== undefined && request.choices > 1) {
    throw new RequestFaultError(
      'n',
      `n: the model gives one answer per request; send ${request.choices} requests instead`,
    );
  }
  if (request.logprobs === true) {
    throw new RequestFaultError('logprobs', 'logprobs: the model does not report token probabilities');
  }
}

function hasImage(content: readonly Block[]): boolean {
  return content.some((block) => block.type === 'image' || (block.type === 'tool-result' && hasImage(block.content)));
}
