import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { ClickHouseException, exception, mapEngineError } from './exception.js';
import { findFormat, sendException, sendOutcome, sendText, type ServerFacts } from './http-answer.js';
import { readBody } from './http-body.js';
import { authenticate, parseHead, type AccountRole } from './http-request.js';
import type { StatementRunner } from './runner.js';
import type { FrontSettings } from './settings.js';

const LIVENESS_PATHS = new Set(['/ping', '/replicas_status']);
const METHODS = new Set(['GET', 'POST', 'PUT', 'HEAD']);
/** ClickHouse's own format where none is named. */
const DEFAULT_FORMAT = 'TabSeparated';
/** @clickhouse/client keeps idle sockets for 2.5 s; the server must outlast the client. */
const KEEP_ALIVE_MS = 10_000;

/** ClickHouse's HTTP interface (https://clickhouse.com/docs/interfaces/http) over the embedded engine. */
export function createFrontServer(settings: FrontSettings, runner: StatementRunner, facts: ServerFacts): Server {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 }, (request, response) => {
    void handle(request, response, { settings, runner, facts });
  });
  return server;
}

interface Context {
  readonly settings: FrontSettings;
  readonly runner: StatementRunner;
  readonly facts: ServerFacts;
}

async function handle(request: IncomingMessage, response: ServerResponse, context: Context): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://front');
  if (LIVENESS_PATHS.has(url.pathname)) return sendText(response, 200, 'Ok.\n', context.facts);
  if (url.pathname !== '/') return sendText(response, 404, `There is no handle ${url.pathname}\n`, context.facts);
  if (!METHODS.has(request.method ?? '')) return sendText(response, 405, 'Use GET or POST\n', context.facts);
  // ClickHouse greets a bare GET without asking who it is.
  if (request.method !== 'POST' && request.method !== 'PUT' && !url.searchParams.has('query')) {
    return sendText(response, 200, 'Ok.\n', context.facts);
  }
  let queryId: string | undefined;
  try {
    const role = authenticate(url.searchParams, request.headers, context.settings);
    const head = parseHead(url.searchParams, request.headers);
    queryId = head.queryId;
    await answerStatement(request, response, { ...context, role, head });
  } catch (error) {
    const failure = error instanceof ClickHouseException ? error : mapEngineError(error);
    if (response.headersSent || response.destroyed) return;
    sendException(response, failure, queryId, context.facts);
    // What is left of an unread body would be taken for the next request.
    if (!request.complete) request.destroy();
  }
}

async function answerStatement(
  request: IncomingMessage,
  response: ServerResponse,
  context: Context & { readonly role: AccountRole; readonly head: ReturnType<typeof parseHead> },
): Promise<void> {
  const { head, settings } = context;
  if (/^multipart\//i.test(request.headers['content-type'] ?? '')) {
    throw new ClickHouseException(48, 'Code: 48. DB::Exception: The local ClickHouse front does not support external data (multipart) (NOT_IMPLEMENTED)');
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
