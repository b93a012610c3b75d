import type { Connection } from '../domain/connection.js';
import { formatSeconds } from './terminal.js';

/** What a person needs to make the first call. */
export function renderBanner(connection: Connection, configurationFile: string, tookMs: number): string {
  const { gateway } = connection;
  if (gateway === undefined)
    return `Weir's parts are ready after ${formatSeconds(tookMs)}: ${connection.home}/connection.json`;
  const lines = [
    '',
    `Weir is ready after ${formatSeconds(tookMs)}.`,
    '',
    `  OpenAI base URL     ${gateway.url}/v1`,
    `  Anthropic base URL  ${gateway.url}`,
    `  Key                 ${gateway.key}`,
    `  Configuration       ${configurationFile}  (an edit takes effect at once)`,
    `  Every URL and credential: ${connection.home}/connection.json · what runs: npx weir status`,
    '',
    connection.isSimulated
      ? '  SIMULATED: no provider key is set, so the simulator answers and nothing is charged.\n' +
        '  Set OPENAI_API_KEY, ANTHROPIC_API_KEY, DEEPSEEK_API_KEY, DASHSCOPE_API_KEY or AWS_BEARER_TOKEN_BEDROCK for real models.'
      : '  Provider keys were found in the environment: calls reach real models and are charged by them.',
    '',
    '  Ctrl-C stops all in order.',
    '',
  ];
  return lines.join('\n');
}
