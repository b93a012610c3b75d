import { describe, expect, it } from '@jest/globals';
import { splitBetas } from './bedrock-betas.js';
import { isClaudeOnBedrock, upstreamDialect } from './upstream-dialect.js';

describe('splitBetas', () => {
  it('carries what Bedrock knows and lists what it does not, which would make it refuse the request', () => {
    expect(splitBetas('interleaved-thinking-2025-05-14, prompt-caching-2099-01-01')).toEqual({
      betas: ['interleaved-thinking-2025-05-14'],
      dropped: ['anthropic-beta.prompt-caching-2099-01-01:unknown to Bedrock'],
    });
    expect(splitBetas(undefined)).toEqual({ betas: [], dropped: [] });
    expect(splitBetas(' , ')).toEqual({ betas: [], dropped: [] });
  });
});

describe('upstreamDialect', () => {
  it.each([
    ['us.anthropic.claude-sonnet-4-5-20250929-v1:0', true],
    ['anthropic.claude-3-haiku-20240307-v1:0', true],
    ['arn:aws:bedrock:us-east-1:123:inference-profile/us.anthropic.claude-opus-4', true],
    ['sim-bedrock-claude', true],
    ['amazon.nova-pro-v1:0', false],
    ['notanthropic.claudette', false],
  ])('knows whether %s is Claude', (model, isClaude) => expect(isClaudeOnBedrock(model)).toBe(isClaude));

  it('goes to Claude on Bedrock by InvokeModel only from an Anthropic client', () => {
    expect(upstreamDialect('bedrock', 'us.anthropic.claude-x', 'anthropic')).toBe('bedrock-invoke');
    expect(upstreamDialect('bedrock', 'us.anthropic.claude-x', 'openai-chat')).toBe('bedrock-converse');
    expect(upstreamDialect('bedrock', 'amazon.nova-pro-v1:0', 'anthropic')).toBe('bedrock-converse');
  });
});
