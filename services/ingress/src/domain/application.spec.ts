import { describe, expect, it } from '@jest/globals';
import { applicationOf } from './application.js';

describe('applicationOf', () => {
  it.each([
    ['claude-cli/2.1.3 (external, cli)', 'claude-cli'],
    ['OpenAI/JS 6.30.1', 'OpenAI/JS'],
    ['OpenAI/Python 2.3', 'OpenAI/Python'],
    ['curl/8.5.0', 'curl'],
    ['Mozilla/5.0 (X11)', 'Mozilla'],
    ['', 'unknown'],
    ['/1.0', 'unknown'],
  ])('calls %s %s', (agent, name) => {
    expect(applicationOf({ 'user-agent': agent })).toBe(name);
  });

  it('believes what an application calls itself, without what controls a terminal, and briefly', () => {
    expect(applicationOf({ 'x-weir-application': '订单系统 v2', 'user-agent': 'curl/8' })).toBe('订单系统 v2');
    expect(applicationOf({ 'x-weir-application': 'a\u001b[31m<b>' })).toBe('a31mb');
    expect(applicationOf({ 'x-weir-application': 'x'.repeat(500) })).toHaveLength(128);
    expect(applicationOf({ 'x-weir-application': ' ', 'user-agent': 'curl/8' })).toBe('curl');
  });
});
