import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { KeyRecord, ModelRecord } from '@weir/contracts';
import { CLOCK, type Clock } from '@weir/kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { mayUseModel } from '../../domain/admission.js';
import {
  anthropicModel,
  anthropicModelList,
  inListOrder,
  openaiModel,
  openaiModelList,
  type Page,
} from '../../domain/model-list.js';
import { quoted, refuse } from '../../domain/refusal.js';
import { ROUTE_PATHS, dialectOf } from '../../domain/routes.js';
import { Resources } from '../bus/resources.js';
import { sendJson } from './answer.js';
import { arrive, type Arrival } from './arrival.js';
import { Gatekeeper } from './gatekeeper.js';

/** The models a key may use, in the shape of the caller's dialect. */
@Controller()
export class ModelsController {
  constructor(
    @Inject(Resources) private readonly resources: Resources,
    @Inject(Gatekeeper) private readonly gatekeeper: Gatekeeper,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Get([...ROUTE_PATHS.models])
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const arrival = this.open(request, reply);
    const caller = this.gatekeeper.identify(arrival);
    if (!caller) return;
    const models = inListOrder(this.resources.catalog.models().filter((model) => mayUseModel(caller.key, model)));
    const page = request.query as Page;
    const body = arrival.dialect === 'anthropic' ? anthropicModelList(models, page) : openaiModelList(models);
    sendJson(arrival.response, arrival.callId, body);
  }

  @Get(ROUTE_PATHS.model.map((prefix) => `${prefix}*`))
  get(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const arrival = this.open(request, reply);
    const caller = this.gatekeeper.identify(arrival);
    if (!caller) return;
    // Decoded once, by the router: an id may hold slashes, encoded or not.
    const name = (request.params as { readonly '*': string })['*'].replace(/\/$/, '');
    const model = this.findModel(caller.key, name);
    if (!model) {
      const refusal = refuse('model_not_found', {
        message: `The model ${quoted(name)} does not exist.`,
        param: 'model',
      });
      this.gatekeeper.deny(arrival, refusal, { key: caller.key, modelRequested: name });
      return;
    }
    sendJson(
      arrival.response,
      arrival.callId,
      arrival.dialect === 'anthropic' ? anthropicModel(model) : openaiModel(model),
    );
  }

  private findModel(key: KeyRecord, name: string): ModelRecord | undefined {
    const model = this.resources.catalog.findModel(name);
    return model && mayUseModel(key, model) ? model : undefined;
  }

  private open(request: FastifyRequest, reply: FastifyReply): Arrival {
    void reply.hijack();
    return arrive(request.raw, reply.raw, dialectOf(request.raw.url ?? '/', request.raw.headers), this.clock.now());
  }
}
