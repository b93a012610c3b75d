import type { Connection } from './connection.js';
import type { ProcessState } from './status-report.js';

const PROBE_MS = 2_000;
const DETAIL_CHARACTERS = 120;

/** Asks every service and the front of ClickHouse how it is. Never rejects: what does not answer is an answer. */
export function probeAll(connection: Connection): Promise<ProcessState[]> {
  const services = Object.entries(connection.services).flatMap(([name, instances]) =>
    instances.length === 0
      ? [Promise.resolve<ProcessState>({ name, pid: undefined, state: 'not answering', detail: 'is not running' })]
      : instances.map(({ pid, healthUrl }) => probe(name, pid, healthUrl)),
  );
  const { clickhouse } = connection;
  const parts = clickhouse === undefined ? [] : [probe('clickhouse', undefined, `${clickhouse.url}/ping`)];
  return Promise.all([...services, ...parts]);
}

async function probe(name: string, pid: number | undefined, url: string): Promise<ProcessState> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_MS) });
    const text = await response.text();
    if (response.ok) return { name, pid, state: 'ready', detail: '' };
    return { name, pid, state: 'not ready', detail: explain(text) };
  } catch {
    return { name, pid, state: 'not answering', detail: '' };
  }
}

/** The failed checks of a health report; its text where it is no report. */
function explain(text: string): string {
  try {
    const { checks } = JSON.parse(text) as { checks?: Record<string, { ok: boolean; detail?: string }> };
    const failed = Object.entries(checks ?? {}).filter(([, check]) => !check.ok);
    return failed.map(([name, check]) => (check.detail === undefined ? name : `${name}: ${check.detail}`)).join('; ');
  } catch {
    return text.trim().slice(0, DETAIL_CHARACTERS);
  }
}
