import type { Connection } from './connection.js';

/** How one process answered. */
export interface ProcessState {
  readonly name: string;
  readonly pid: number | undefined;
  readonly state: 'ready' | 'not ready' | 'not answering';
  /** Why it is not ready, in its own words. */
  readonly detail: string;
}

const STATE_SIGNS = { ready: '✓', 'not ready': '!', 'not answering': '✗' } as const;

/** The status page for a person: what runs and where, and no secret. */
export function renderStatus(connection: Connection, states: readonly ProcessState[]): string {
  const nameWidth = Math.max(...states.map((state) => state.name.length), 0);
  const lines = states.map((state) => {
    const pid = state.pid === undefined ? '' : `process ${state.pid}`;
    return `  ${STATE_SIGNS[state.state]} ${state.name.padEnd(nameWidth)}  ${state.state.padEnd(13)}  ${pid.padEnd(16)} ${state.detail}`.trimEnd();
  });
  const addresses = listAddresses(connection).map(([name, address]) => `  ${name.padEnd(12)} ${address}`);
  return [...lines, '', ...addresses, '', renderSimulated(connection.isSimulated)].join('\n');
}

/** 0 where everything is ready. */
export function mapToExitCode(states: readonly ProcessState[]): number {
  return states.every((state) => state.state === 'ready') ? 0 : 1;
}

function listAddresses(connection: Connection): [string, string][] {
  const { gateway, admin, clickhouse, postgres, nats, simulator } = connection;
  const rows: [string, string | undefined][] = [
    ['gateway', gateway === undefined ? undefined : `${gateway.url}/v1 (OpenAI), ${gateway.url} (Anthropic)`],
    ['admin', admin?.url],
    [
      'clickhouse',
      clickhouse === undefined
        ? undefined
        : `${clickhouse.url} database ${clickhouse.database}, user ${clickhouse.user}`,
    ],
    ['postgres', hideSecrets(postgres?.url)],
    ['nats', hideSecrets(nats?.url)],
    ['simulator', simulator?.url],
  ];
  return rows.filter((row): row is [string, string] => row[1] !== undefined);
}

/** The URL without its user's password. */
function hideSecrets(url: string | undefined): string | undefined {
  if (url === undefined) return undefined;
  const shown = new URL(url);
  shown.password = '';
  shown.username = '';
  return shown.href;
}

function renderSimulated(isSimulated: boolean): string {
  return isSimulated
    ? '  SIMULATED: no provider key was set at the start; the simulator answers and nothing is charged.'
    : '  Real providers are on: calls reach real models and are charged by them.';
}
