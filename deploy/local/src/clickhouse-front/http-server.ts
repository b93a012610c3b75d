import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { ClickHouseException, exception, mapEngineError } from './exception.js';
import { findFormat, sendException, sendOutcome, sendText, type ServerFacts } from './http-answer.js';
import { readBody } from './http-body.js';
import { authenticate, parseHead, type AccountRole } from './http-request.js';
import type { StatementRunner } from './runner.js';
import type { FrontSettings } from './settings.js';

const LIVENESS_PATHS = new Set(['/ping', '/replicas_status']);
const WITH_BODY = new Set(['POST', 'PUT']);
const WITHOUT_BODY = new Set(['GET', 'HEAD']);
/** ClickHouse's own format where none is named. */
const DEFAULT_FORMAT = 'TabSeparated';
/** @clickhouse/client keeps idle sockets for 2.5 s; the server must outlast the client. */
const KEEP_ALIVE_MS = 10_000;
/** For a whole request with its body; 256 MiB take seconds on loopback. */
const REQUEST_MS = 600_000;

/** ClickHouse's HTTP interface (https://clickhouse.com/docs/interfaces/http) over the embedded engine. */
export function createFrontServer(settings: FrontSettings, runner: StatementRunner, facts: ServerFacts): Server {
  return createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: REQUEST_MS }, (request, response) => {
    void handle(request, response, { settings, runner, facts });
  });
}

interface Context {
  readonly settings: FrontSettings;
  readonly runner: StatementRunner;
  readonly facts: ServerFacts;
}

async function handle(request: IncomingMessage, response: ServerResponse, context: Context): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://front');
  const plain = findPlainAnswer(request.method ?? '', url);
  if (plain !== undefined) return sendText(response, plain.status, plain.text, context.facts);
  let queryId: string | undefined;
  try {
    const role = authenticate(url.searchParams, request.headers, context.settings);
    const head = parseHead(url.searchParams, request.headers);
    queryId = head.queryId;
    await answerStatement(request, response, { ...context, role, head });
  } catch (error) {
    if (response.headersSent || response.destroyed) return;
    // A body that was not read is discarded as it comes: the client, still sending, can then read why.
    request.resume();
    sendException(response, mapEngineError(error), queryId, context.facts);
  }
}

/** What is answered to anyone: liveness, the greeting of a bare GET, and what is no statement at all. */
function findPlainAnswer(method: string, url: URL): { status: number; text: string } | undefined {
  if (LIVENESS_PATHS.has(url.pathname)) return { status: 200, text: 'Ok.\n' };
  if (url.pathname !== '/') return { status: 404, text: `There is no handle ${url.pathname}\n` };
  if (WITH_BODY.has(method)) return undefined;
  if (!WITHOUT_BODY.has(method)) return { status: 405, text: 'Use GET or POST\n' };
  return url.searchParams.has('query') ? undefined : { status: 200, text: 'Ok.\n' };
}

async function answerStatement(
  request: IncomingMessage,
  response: ServerResponse,
  context: Context & { readonly role: AccountRole; readonly head: ReturnType<typeof parseHead> },
): Promise<void> {
  const { head, settings } = context;
  if (/^multipart\//i.test(request.headers['content-type'] ?? '')) {
    throw new ClickHouseException(
      48,
      'Code: 48. DB::Exception: The local ClickHouse front does not support external data (multipart) (NOT_IMPLEMENTED)',
    );
  }
  const body = await readBody(request, settings.limits.bodyBytes);
  if (head.query.trim() === '' && body.length === 0) throw exception('SYNTAX_ERROR', 'Syntax error: Empty query');
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(exception('ABORTED', 'The client is gone'));
  });
  const format = head.defaultFormat ?? DEFAULT_FORMAT;
  const outcome = await context.runner.run(
    {
      queryId: head.queryId,
      isReader: context.role === 'reader',
      query: head.query,
      body,
      database: head.database,
      format,
      settings: head.settings,
      parameters: head.parameters,
    },
    gone.signal,
  );
  await sendOutcome(request, response, {
    outcome,
    queryId: head.queryId,
    format: findFormat(body.length === 0 ? head.query : body.subarray(-4096).toString('utf8')) ?? format,
    mayCompress: head.wantsCompression,
    facts: context.facts,
  });
}
