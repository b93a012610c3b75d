import {
  Inject,
  Module,
  type INestApplication,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import {
  CLOCK,
  HEALTH,
  LOGGER,
  METRICS,
  MICROSERVICE_STRATEGIES,
  SETTINGS,
  type Clock,
  type Health,
  type Logger,
  type Registry,
} from '@weir/kit';
import { ExecuteCallHandler } from './adapters/bus/execute-call.handler.js';
import { CallExecutor } from './adapters/upstream/call-executor.js';
import { Worker } from './adapters/worker.js';
import type { ProvidersSettings } from './settings.js';

@Module({
  controllers: [ExecuteCallHandler],
  providers: [
    {
      provide: Worker,
      inject: [SETTINGS, CLOCK, LOGGER, METRICS],
      useFactory: (settings: ProvidersSettings, clock: Clock, logger: Logger, registry: Registry) =>
        Worker.open({ settings, clock, logger, registry }),
    },
    { provide: CallExecutor, inject: [Worker], useFactory: (worker: Worker) => worker.executor },
    { provide: MICROSERVICE_STRATEGIES, inject: [Worker], useFactory: (worker: Worker) => [worker.server] },
  ],
})
export class ProvidersModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    @Inject(Worker) private readonly worker: Worker,
    @Inject(HEALTH) health: Health,
  ) {
    worker.watchedBy(health);
  }

  /** Only now is the handler of calls in place. */
  onApplicationBootstrap(): void {
    this.worker.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.worker.close();
  }
}

export async function drainProviders(app: INestApplication): Promise<void> {
  await app.get(Worker, { strict: false }).drain();
}
