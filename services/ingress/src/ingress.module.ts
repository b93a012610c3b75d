import { Module, type Provider } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import {
  CLOCK,
  HEALTH,
  LOGGER,
  MICROSERVICE_STRATEGIES,
  SETTINGS,
  type Clock,
  type Health,
  type Logger,
} from '@weir/kit';
import { Resources } from './adapters/bus/resources.js';
import { BodyBudget } from './adapters/http/body-reader.js';
import { CallIntake } from './adapters/http/call-intake.js';
import { CallsController } from './adapters/http/calls.controller.js';
import { Gatekeeper } from './adapters/http/gatekeeper.js';
import { IngressMetrics } from './adapters/http/ingress-metrics.js';
import { ModelsController } from './adapters/http/models.controller.js';
import { OpenCalls } from './adapters/http/open-calls.js';
import { RootController } from './adapters/http/root.controller.js';
import { UnmatchedFilter } from './adapters/http/unmatched.filter.js';
import type { IngressSettings } from './settings.js';

const SWEEP_EVERY_MS = 250;

const providers: Provider[] = [
  {
    provide: Resources,
    inject: [SETTINGS, CLOCK, LOGGER, HEALTH],
    useFactory: (settings: IngressSettings, clock: Clock, logger: Logger, health: Health) =>
      Resources.open({ settings, clock, logger, health }),
  },
  {
    provide: OpenCalls,
    inject: [SETTINGS],
    useFactory: (settings: IngressSettings) => new OpenCalls(SWEEP_EVERY_MS * settings.WEIR_TIME_SCALE),
  },
  {
    provide: BodyBudget,
    inject: [SETTINGS],
    useFactory: (settings: IngressSettings) => new BodyBudget(settings.WEIR_BODIES_BYTES_MAX),
  },
  IngressMetrics,
  Gatekeeper,
  CallIntake,
  { provide: APP_FILTER, useClass: UnmatchedFilter },
  // This service hears nothing through Nest: frames and reports go to the channel and the publisher directly.
  { provide: MICROSERVICE_STRATEGIES, useValue: [] },
];

@Module({ controllers: [CallsController, ModelsController, RootController], providers })
export class IngressModule {}
