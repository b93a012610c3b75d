import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { ClickHouseException } from './exception.js';
import type { StatementOutcome } from './runner.js';

const compress = promisify(gzip);
/** Speed over size: this is loopback, compressed because the client asked. */
const GZIP_LEVEL = 1;

/** What every answer says of the server. */
export interface ServerFacts {
  readonly version: string;
  readonly timezone: string;
  readonly displayName: string;
}

const CONTENT_TYPES: ReadonlyArray<readonly [RegExp, string]> = [
  [
    /^JSON(?:Compact)?(?:Strings)?EachRow|^NDJSON$|^JSONLines$|^JSONObjectEachRow$/,
    'application/x-ndjson; charset=UTF-8',
  ],
  [/^JSON|^PrettyJSON/, 'application/json; charset=UTF-8'],
  [/^CSVWithNames/, 'text/csv; charset=UTF-8; header=present'],
  [/^CSV/, 'text/csv; charset=UTF-8; header=absent'],
  [/^(?:TSV|TabSeparated)/, 'text/tab-separated-values; charset=UTF-8'],
  [/^XML$/, 'application/xml; charset=UTF-8'],
  [
    /^(?:Native|RowBinary|Parquet|Arrow|ORC|Avro|MsgPack|Protobuf|CapnProto|BSON|Npy|MySQLWire|Null)/,
    'application/octet-stream',
  ],
];

/** The format a statement names at its end, for the headers alone; the statement itself is not touched. */
export function findFormat(statement: string): string | undefined {
  return /\bFORMAT\s+(\w+)\s*(?:SETTINGS\b[^;]*)?;?\s*$/i.exec(statement.slice(-4096))?.[1];
}

function mapFormatToContentType(format: string): string {
  return CONTENT_TYPES.find(([pattern]) => pattern.test(format))?.[1] ?? 'text/plain; charset=UTF-8';
}

/** Sends a result with ClickHouse's headers, gzip where both sides want it. */
export async function sendOutcome(
  request: IncomingMessage,
  response: ServerResponse,
  answer: {
    readonly outcome: StatementOutcome;
    readonly queryId: string;
    readonly format: string;
    readonly mayCompress: boolean;
    readonly facts: ServerFacts;
  },
): Promise<void> {
  const { outcome, format } = answer;
  setCommonHeaders(response, answer.queryId, answer.facts);
  response.setHeader('X-ClickHouse-Format', format);
  response.setHeader('X-ClickHouse-Summary', renderSummary(outcome));
  response.setHeader('Content-Type', mapFormatToContentType(format));
  const isGzip = answer.mayCompress && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  const body = isGzip ? await compress(outcome.bytes, { level: GZIP_LEVEL }) : outcome.bytes;
  if (isGzip) response.setHeader('Content-Encoding', 'gzip');
  response.setHeader('Content-Length', body.byteLength);
  response.writeHead(200).end(request.method === 'HEAD' ? undefined : body);
}

/** Sends an exception as ClickHouse does: its code in a header, its text as the body. */
export function sendException(
  response: ServerResponse,
  failure: ClickHouseException,
  queryId: string | undefined,
  facts: ServerFacts,
): void {
  setCommonHeaders(response, queryId, facts);
  response.setHeader('X-ClickHouse-Exception-Code', failure.code);
  response.setHeader('Content-Type', 'text/plain; charset=UTF-8');
  if (failure.status === 401) response.setHeader('WWW-Authenticate', 'Basic realm="ClickHouse server HTTP API"');
  if (failure.status === 503) response.setHeader('Retry-After', '1');
  const body = Buffer.from(`${failure.message} (version ${facts.version})\n`, 'utf8');
  response.setHeader('Content-Length', body.byteLength);
  response.writeHead(failure.status).end(body);
}

export function sendText(response: ServerResponse, status: number, text: string, facts: ServerFacts): void {
  response.setHeader('X-ClickHouse-Server-Display-Name', facts.displayName);
  response.setHeader('Content-Type', 'text/html; charset=UTF-8');
  response.writeHead(status).end(text);
}

function setCommonHeaders(response: ServerResponse, queryId: string | undefined, facts: ServerFacts): void {
  response.setHeader('X-ClickHouse-Server-Display-Name', facts.displayName);
  response.setHeader('X-ClickHouse-Timezone', facts.timezone);
  if (queryId !== undefined) response.setHeader('X-ClickHouse-Query-Id', toHeaderText(queryId));
}

// A query_id is the client's own text and would otherwise end the header line.
function toHeaderText(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 256);
}

function renderSummary(outcome: StatementOutcome): string {
  return JSON.stringify({
    read_rows: String(outcome.readRows + outcome.writtenRows),
    read_bytes: String(outcome.readBytes + outcome.writtenBytes),
    written_rows: String(outcome.writtenRows),
    written_bytes: String(outcome.writtenBytes),
    total_rows_to_read: '0',
    result_rows: String(outcome.readRows + outcome.writtenRows),
    result_bytes: String(outcome.bytes.byteLength + outcome.writtenBytes),
    elapsed_ns: String(Math.round(outcome.elapsedSeconds * 1e9)),
  });
}
