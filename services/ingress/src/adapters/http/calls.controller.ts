import { Controller, Inject, Post, Req, Res } from '@nestjs/common';
import type { ClientDialect } from '@weir/contracts';
import { CLOCK, type Clock } from '@weir/kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ROUTE_PATHS } from '../../domain/routes.js';
import { arrive } from './arrival.js';
import { CallIntake } from './call-intake.js';

/** Calls of models. Fastify's reply is put aside at once: what goes to the client is written to its connection directly. */
@Controller()
export class CallsController {
  constructor(
    @Inject(CallIntake) private readonly intake: CallIntake,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Post([...ROUTE_PATHS['chat-completions']])
  chatCompletions(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.take(request, reply, 'openai-chat');
  }

  @Post([...ROUTE_PATHS.messages])
  messages(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.take(request, reply, 'anthropic');
  }

  private take(request: FastifyRequest, reply: FastifyReply, dialect: ClientDialect): Promise<void> {
    void reply.hijack();
    return this.intake.take(arrive(request.raw, reply.raw, dialect, this.clock.now()));
  }
}
