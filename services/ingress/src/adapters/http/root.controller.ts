import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { CLOCK, type Clock } from '@weir/kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ROUTE_PATHS, dialectOf } from '../../domain/routes.js';
import { sendJson } from './answer.js';
import { arrive } from './arrival.js';

/** Agents probe a base URL with HEAD before they use it. It says that a gateway is here, and nothing else. */
@Controller()
export class RootController {
  constructor(@Inject(CLOCK) private readonly clock: Clock) {}

  // Fastify serves HEAD wherever it serves GET.
  @Get([...ROUTE_PATHS.root])
  hello(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    void reply.hijack();
    const dialect = dialectOf(request.raw.url ?? '/', request.raw.headers);
    const { callId } = arrive(request.raw, reply.raw, dialect, this.clock.now());
    sendJson(reply.raw, callId, { service: 'weir' });
  }
}
