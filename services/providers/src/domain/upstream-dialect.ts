import type { Adapter, ClientDialect } from '@weir/contracts';
import type { WireDialect } from '@weir/dialects';

/** Whether a Bedrock model id or profile names a Claude model: `us.anthropic.claude-…`, an ARN that ends in one, the simulator's. */
export function isClaudeOnBedrock(upstreamModel: string): boolean {
  return /(^|[^a-z0-9])claude([^a-z]|$)/.test(upstreamModel);
}

/**
 * How the upstream is spoken to. Claude behind Bedrock from an Anthropic client goes by InvokeModel, whose body is the client's own
 * (signatures, cache breakpoints and betas survive); everything else on Bedrock by Converse.
 */
export function upstreamDialect(adapter: Adapter, upstreamModel: string, client: ClientDialect): WireDialect {
  switch (adapter) {
    case 'openai-compatible':
      return 'openai-chat';
    case 'anthropic':
      return 'anthropic';
    case 'bedrock':
      return client === 'anthropic' && isClaudeOnBedrock(upstreamModel) ? 'bedrock-invoke' : 'bedrock-converse';
  }
}
