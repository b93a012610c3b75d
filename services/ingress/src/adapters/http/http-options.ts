import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { HttpOptions } from '@weir/kit';
import type { FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify';
import { uuidv7 } from '@weir/contracts';
import { requestIdHeaders } from '../../domain/header-policy.js';
import { dialectOf } from '../../domain/routes.js';
import { refuse } from '../../domain/refusal.js';
import type { IngressSettings } from '../../settings.js';
import { renderRefusal, sendError } from './answer.js';

const HEADERS_WITHIN_MS = 20_000;
/** The whole request, body included: 32 MiB at 110 kB/s. A body of which nothing comes at all is given up sooner, by its reader. */
const REQUEST_WITHIN_MS = 300_000;
const KEEP_ALIVE_MS = 75_000;
const CHECK_CONNECTIONS_EVERY_MS = 1_000;
const HEADER_BYTES_MAX = 32 * 1024;
/** ARNs of models are longer than the router's default of 100. */
const PATH_PARAMETER_LENGTH_MAX = 1_024;

/**
 * A path whose percent signs cannot be decoded names them literally: so it reaches a handler like any other path, and what it asks for does
 * not exist, instead of being refused by the router without a record.
 */
function decodable(url: string): string {
  if (!url.includes('%')) return url;
  try {
    decodeURIComponent(url);
    return url;
  } catch {
    return url.replaceAll('%', '%25');
  }
}

/** What Fastify refuses before its hooks: a path that is too long for it. */
function answerUnroutable(_error: Error, request: FastifyRequest, reply: FastifyReply): void {
  void reply.hijack();
  const { url = '/', headers } = request.raw;
  const dialect = dialectOf(url, headers);
  const callId = uuidv7();
  sendError(
    reply.raw,
    callId,
    renderRefusal(refuse('invalid_request', { message: 'The URL cannot be read.' }), dialect, callId),
  );
}

const STATUS_LINES: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** What is not HTTP has no dialect and no caller: it gets a status line in OpenAI's shape, and the connection ends. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const code = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'request_timeout' : 'invalid_request';
  const callId = uuidv7();
  const { headers, body } = renderRefusal(refuse(code), 'openai-chat', callId);
  const lines = [
    `HTTP/1.1 ${STATUS_LINES[error.code ?? ''] ?? '400 Bad Request'}`,
    ...Object.entries({ ...headers, ...requestIdHeaders(callId) }).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${body.length}`,
    'connection: close',
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${Buffer.from(body).toString('utf8')}`);
}

function serverOptions(settings: IngressSettings): FastifyServerOptions {
  const { WEIR_TLS_CERTIFICATE_FILE: cert, WEIR_TLS_KEY_FILE: key } = settings;
  const listener = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: HEADERS_WITHIN_MS,
    connectionsCheckingInterval: CHECK_CONNECTIONS_EVERY_MS,
  };
  const options = {
    ...(cert && key ? { https: { ...listener, cert, key } } : { http: listener }),
    requestTimeout: REQUEST_WITHIN_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    routerOptions: {
      ignoreTrailingSlash: true,
      ignoreDuplicateSlashes: true,
      maxParamLength: PATH_PARAMETER_LENGTH_MAX,
    },
    rewriteUrl: (request: IncomingMessage) => decodable(request.url ?? '/'),
    frameworkErrors: answerUnroutable,
    clientErrorHandler: answerUnreadable,
    // Nest's adapter would run a middleware engine in front of every request; nothing here uses one.
    skipMiddie: true,
  };
  return options;
}

export function httpOptions(settings: IngressSettings): HttpOptions {
  return {
    host: settings.WEIR_HTTP_HOST,
    port: settings.WEIR_HTTP_PORT,
    server: serverOptions(settings),
    configure: (fastify) => {
      // Bodies are read by the handlers, once the caller is known; no parser of Fastify's touches them.
      fastify.removeAllContentTypeParsers();
      fastify.addContentTypeParser('*', (_request, _payload, done) => done(null));
    },
  };
}
