import type { Exchange } from './exchange.js';
import type { SimulatorState } from './simulator-state.js';

const linesPerSend = 500;

/** NDJSON, one line an attempt. `?since=` takes an ISO time or milliseconds since 1970. */
export async function serveInvoice(exchange: Exchange, state: SimulatorState): Promise<void> {
  const since = parseSince(exchange.url.searchParams.get('since'));
  if (since === 'unreadable') {
    exchange.respond(400, { 'content-type': 'text/plain' }, 'since takes an ISO time or milliseconds since 1970\n');
    return;
  }
  const lines = state.invoice.lines(since);
  exchange.head(200, { 'content-type': 'application/x-ndjson' });
  for (let start = 0; start < lines.length; start += linesPerSend) {
    await exchange.send(
      lines
        .slice(start, start + linesPerSend)
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(''),
    );
  }
  exchange.end();
}

function parseSince(value: string | null): Date | undefined | 'unreadable' {
  if (value === null || value === '') return undefined;
  const date = new Date(/^\d+$/.test(value) ? Number(value) : value);
  return Number.isNaN(date.getTime()) ? 'unreadable' : date;
}

export function serveStats(exchange: Exchange, state: SimulatorState): void {
  exchange.respond(200, { 'content-type': 'application/json' }, JSON.stringify(state.stats()));
}

/** The last model calls as they arrived, without credentials: `?last=n`, at most 200. */
export function serveRequests(exchange: Exchange, state: SimulatorState): void {
  const last = Number(exchange.url.searchParams.get('last') ?? '20');
  exchange.respond(
    200,
    { 'content-type': 'application/json' },
    JSON.stringify(state.lastRequests(Number.isFinite(last) ? last : 0)),
  );
}
