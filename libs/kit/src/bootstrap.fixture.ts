import { Inject, Module } from '@nestjs/common';
import { bootstrapService } from './bootstrap.js';
import type { Health } from './health.js';
import { CommonSettings, parseSettings } from './settings.js';
import { HEALTH, MICROSERVICE_STRATEGIES } from './tokens.js';

/** The smallest service, run as a process of its own by the integration spec. */
@Module({ providers: [{ provide: MICROSERVICE_STRATEGIES, useValue: [] }] })
class FixtureModule {
  constructor(@Inject(HEALTH) health: Health) {
    health.register('fixture', () => ({ ok: true }));
  }
}

await bootstrapService({
  name: 'fixture',
  module: FixtureModule,
  settings: () => parseSettings(CommonSettings, process.env),
});
