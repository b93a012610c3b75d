import { randomUUID } from 'node:crypto';
import { RequestFault } from '../domain/request-fault.js';
import { serveInvoice, serveRequests, serveStats } from './administration.js';
import { countMessageTokens, anthropicMessages } from './anthropic/anthropic-format.js';
import { bedrockCallOf, bedrockPath } from './bedrock/bedrock-format.js';
import type { Exchange } from './exchange.js';
import { serveModels } from './model-lists.js';
import { openaiChat } from './openai/openai-format.js';
import { serveCall } from './serve-call.js';
import type { SimulatorState } from './simulator-state.js';
import type { CallContext, WireFormat } from './wire-format.js';

type Handler = (exchange: Exchange, state: SimulatorState) => Promise<void> | void;

/** Matched on the end of the path, because clients write base URLs with and without `/v1`, `/anthropic`, …. */
const routes: readonly { readonly method: string; readonly path: RegExp; readonly handle: Handler }[] = [
  { method: 'POST', path: /\/chat\/completions\/?$/, handle: callHandler(openaiChat) },
  { method: 'POST', path: /\/messages\/?$/, handle: callHandler(anthropicMessages) },
  { method: 'POST', path: /\/messages\/count_tokens\/?$/, handle: serveTokenCount },
  { method: 'POST', path: bedrockPath, handle: serveBedrock },
  { method: 'GET', path: /\/models(?:\/[^/]+)?\/?$/, handle: serveModels },
  { method: 'GET', path: /^\/invoice$/, handle: serveInvoice },
  {
    method: 'DELETE',
    path: /^\/invoice$/,
    handle: (exchange, state) => {
      state.invoice.clear();
      exchange.respond(204, {}, '');
    },
  },
  { method: 'GET', path: /^\/stats$/, handle: serveStats },
  { method: 'GET', path: /^\/requests$/, handle: serveRequests },
  {
    method: 'GET',
    path: /^\/(?:healthz)?$/,
    handle: (exchange) => respondJson(exchange, 200, { status: 'ok', simulator: 'weir' }),
  },
  { method: 'HEAD', path: /^\//, handle: (exchange) => exchange.respond(200, {}, '') },
];

/** @throws ClientGone, ResetBeforeHead */
export async function handleExchange(exchange: Exchange, state: SimulatorState): Promise<void> {
  const route = routes.find((each) => each.method === exchange.method && each.path.test(exchange.url.pathname));
  if (route === undefined) {
    const served = routes.map((each) => `${each.method} ${each.path.source}`);
    respondJson(exchange, 404, {
      error: {
        message: `weir-simulator has no ${exchange.method} ${exchange.url.pathname}`,
        type: 'invalid_request_error',
        param: null,
        code: 'unknown_url',
      },
      served,
    });
    return;
  }
  await route.handle(exchange, state);
}

function callHandler(format: WireFormat): Handler {
  return (exchange, state) =>
    metered(exchange, state, serveCall({ exchange, state, format, context: contextOf(exchange) }));
}

function serveBedrock(exchange: Exchange, state: SimulatorState): Promise<void> {
  const { format, pathModel, pathStreams } = bedrockCallOf(exchange.url.pathname);
  const context: CallContext = { ...contextOf(exchange), requestId: randomUUID(), pathModel, pathStreams };
  return metered(exchange, state, serveCall({ exchange, state, format, context }));
}

/** Counts the request as open while it is answered, and notes when its client left early. */
async function metered(exchange: Exchange, state: SimulatorState, work: Promise<void>): Promise<void> {
  const noteDeparture = (): void => state.clientLeft(exchange.header('x-client-request-id') ?? null);
  exchange.gone.addEventListener('abort', noteDeparture, { once: true });
  state.requestOpened();
  try {
    await work;
  } finally {
    state.requestClosed();
  }
}

async function serveTokenCount(exchange: Exchange): Promise<void> {
  const context = contextOf(exchange);
  try {
    const raw = await exchange.readBody();
    anthropicMessages.authenticate(exchange);
    respondJson(exchange, 200, countMessageTokens(parseBody(raw), context), { 'request-id': context.requestId });
  } catch (error) {
    if (!(error instanceof RequestFault)) throw error;
    const { status, headers, body } = anthropicMessages.renderFault(error, context.requestId);
    exchange.respond(status, headers, body);
  }
}

function parseBody(raw: Buffer): unknown {
  try {
    return JSON.parse(raw.toString('utf8'));
  } catch {
    throw new RequestFault(400, 'The body of the request is not valid JSON');
  }
}

function contextOf(exchange: Exchange): CallContext {
  return {
    requestId: `req_${randomUUID().replaceAll('-', '')}`,
    pathModel: undefined,
    pathStreams: false,
    header: (name) => exchange.header(name),
  };
}

function respondJson(exchange: Exchange, status: number, value: unknown, headers: Record<string, string> = {}): void {
  exchange.respond(status, { 'content-type': 'application/json', ...headers }, JSON.stringify(value));
}
