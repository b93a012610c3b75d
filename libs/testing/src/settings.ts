/** The environment a stack under test starts with: this process's, less what would change its meaning. */
export function readTestEnvironment(overrides: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const environment = { ...process.env };
  for (const name of Object.keys(environment)) {
    const isOurs = name.startsWith('WEIR_') || name.startsWith('npm_');
    const isProviderKey = /^(?:OPENAI|ANTHROPIC|DEEPSEEK|DASHSCOPE|AWS)_/.test(name);
    // A developer's real provider key must not switch a test to a real provider.
    if (isOurs || isProviderKey) delete environment[name];
  }
  return { ...environment, ...overrides };
}
