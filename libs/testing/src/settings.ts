/** The environment a stack under test starts with: this process's, less what would change its meaning. */
export function readTestEnvironment(overrides: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !isOurs(name) && !isProviderKey(name));
  return { ...Object.fromEntries(kept), ...overrides };
}

function isOurs(name: string): boolean {
  return name.startsWith('WEIR_') || name.startsWith('npm_') || name === 'NODE_TEST_CONTEXT';
}

// A developer's real provider key must not switch a test to a real provider.
function isProviderKey(name: string): boolean {
  return /^(?:OPENAI|ANTHROPIC|DEEPSEEK|DASHSCOPE|AWS)_/.test(name);
}
