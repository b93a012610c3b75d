import { Catch, HttpException, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { ErrorCode } from '@weir/contracts';
import { CLOCK, LOGGER, type Clock, type Logger } from '@weir/kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ROUTE_METHODS, dialectOf, findRoute, normalisePath } from '../../domain/routes.js';
import { quoted, refuse } from '../../domain/refusal.js';
import { arrive } from './arrival.js';
import { Gatekeeper } from './gatekeeper.js';

/**
 * Every request that no handler answers: unknown routes, wrong methods, and faults of ours. Answered in the caller's dialect and recorded
 * as denied, like any other refusal.
 */
@Catch()
export class UnmatchedFilter implements ExceptionFilter {
  constructor(
    @Inject(Gatekeeper) private readonly gatekeeper: Gatekeeper,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(exception, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  /** Also for what Fastify refuses before any handler: a URL that cannot be decoded. */
  answer(exception: unknown, request: FastifyRequest, reply: FastifyReply): void {
    if (!reply.sent) void reply.hijack();
    const target = request.raw.url ?? '/';
    const arrival = arrive(request.raw, reply.raw, dialectOf(target, request.raw.headers), this.clock.now());
    const code = this.codeOf(exception, target);
    const path = quoted(`${request.raw.method ?? ''} ${normalisePath(target)}`);
    const message =
      code === 'internal' ? undefined : code === 'route_not_found' ? `There is no route ${path}.` : undefined;
    const refusal = refuse(code, message === undefined ? {} : { message });
    const route = findRoute(target);
    const headers = code === 'method_not_allowed' && route ? { allow: ROUTE_METHODS[route].join(', ') } : undefined;
    this.gatekeeper.deny(arrival, refusal, { key: this.gatekeeper.findKey(arrival) }, headers);
  }

  private codeOf(exception: unknown, target: string): ErrorCode {
    const status =
      exception instanceof HttpException ? exception.getStatus() : (exception as { statusCode?: number }).statusCode;
    if (status === 404) return findRoute(target) ? 'method_not_allowed' : 'route_not_found';
    if (status !== undefined && status >= 400 && status < 500) return 'invalid_request';
    this.logger.error({ err: exception }, 'a request failed');
    return 'internal';
  }
}
