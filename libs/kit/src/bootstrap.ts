import 'reflect-metadata';
import { Global, Module, type DynamicModule, type INestApplication, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyServerOptions } from 'fastify';
import type { Registry } from 'prom-client';
import { systemClock } from './clock.js';
import { Health } from './health.js';
import { startHealthServer, type HealthServer } from './health-server.js';
import { createLogger, type Logger } from './logger.js';
import { createMetrics } from './metrics.js';
import { NestLogger } from './nest-logger.js';
import { SettingsError, type CommonSettings } from './settings.js';
import { runUntilSignalled } from './shutdown.js';
import { CLOCK, HEALTH, LOGGER, METRICS, MICROSERVICE_STRATEGIES, SETTINGS } from './tokens.js';

/** A service that serves HTTP besides its health port. */
export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  readonly server?: FastifyServerOptions;
  /** Called before routes are registered: content-type parsers, hooks, error handler. */
  readonly configure?: (fastify: FastifyInstance) => void;
}

export interface ServiceOptions<Settings extends CommonSettings> {
  readonly name: string;
  readonly module: Type;
  /** Reads the environment; a {@link SettingsError} ends the process with every fault on standard error. */
  readonly settings: () => Settings;
  readonly http?: (settings: Settings) => HttpOptions;
  /** Finish what is running and let nothing new in; runs before providers are destroyed. Bounded by the process's drain time. */
  readonly onDrain?: (app: INestApplication) => Promise<void>;
}

interface Foundation {
  readonly logger: Logger;
  readonly health: Health;
  readonly metrics: Registry;
}

@Global()
@Module({})
class KitModule {}

function provideKit(settings: CommonSettings, foundation: Foundation): DynamicModule {
  const providers = [
    { provide: SETTINGS, useValue: settings },
    { provide: LOGGER, useValue: foundation.logger },
    { provide: HEALTH, useValue: foundation.health },
    { provide: METRICS, useValue: foundation.metrics },
    { provide: CLOCK, useValue: systemClock },
  ];
  return { module: KitModule, global: true, providers, exports: providers.map((provider) => provider.provide) };
}

@Module({})
class RootModule {}

/** A connection whose answer is sent while the server closes would be kept for the next request, and the server would wait for that. */
function closeAnswered(fastify: FastifyInstance): void {
  let isClosing = false;
  fastify.addHook('preClose', (done) => {
    isClosing = true;
    done();
  });
  fastify.addHook('onSend', (_request, reply, _payload, done) => {
    if (isClosing) void reply.header('connection', 'close');
    done();
  });
}

async function createApp(
  root: DynamicModule,
  http: HttpOptions | undefined,
  logger: Logger,
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter(http?.server ?? {});
  const fastify: FastifyInstance = adapter.getInstance();
  closeAnswered(fastify);
  http?.configure?.(fastify);
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, {
    logger: new NestLogger(logger),
    bodyParser: false,
    abortOnError: false,
  });
  const strategies = app.get<unknown[]>(MICROSERVICE_STRATEGIES, { strict: false });
  for (const strategy of strategies) app.connectMicroservice({ strategy } as never, { inheritAppConfig: false });
  await app.startAllMicroservices();
  await app.init();
  return app;
}

async function startService<Settings extends CommonSettings>(
  options: ServiceOptions<Settings>,
  settings: Settings,
  foundation: Foundation,
): Promise<void> {
  const http = options.http?.(settings);
  const root: DynamicModule = { module: RootModule, imports: [provideKit(settings, foundation), options.module] };
  const app = await createApp(root, http, foundation.logger);
  if (http) await app.listen(http.port, http.host);
  const healthServer: HealthServer = await startHealthServer(
    { host: settings.WEIR_HEALTH_HOST, port: settings.WEIR_HEALTH_PORT },
    foundation.health,
    foundation.metrics,
  );
  runUntilSignalled({
    logger: foundation.logger,
    withinMs: 35_000,
    drain: async () => {
      foundation.health.startDraining();
      await options.onDrain?.(app);
      await app.close();
      await healthServer.close();
    },
  });
  foundation.logger.info({ healthPort: healthServer.port, httpPort: http?.port }, 'started');
  process.send?.({ type: 'ready', healthPort: healthServer.port });
}

/**
 * Starts a service and keeps it until it is told to stop: SIGTERM, SIGINT, or the end of its parent's IPC channel. Then it drains and exits
 * with 0, or with 1 where draining took over 35 s. A process that cannot start prints why and exits with 1.
 */
export async function bootstrapService<Settings extends CommonSettings>(
  options: ServiceOptions<Settings>,
): Promise<void> {
  try {
    const settings = options.settings();
    const identity = { service: options.name, instance: settings.WEIR_SERVICE_ID };
    const logger = createLogger({ ...identity, level: settings.WEIR_LOG_LEVEL });
    await startService(options, settings, {
      logger,
      health: new Health(),
      metrics: createMetrics(identity.service, identity.instance),
    });
  } catch (error) {
    const text =
      error instanceof SettingsError
        ? error.message
        : error instanceof Error
          ? (error.stack ?? error.message)
          : String(error);
    process.stderr.write(`${options.name} cannot start: ${text}\n`);
    process.exit(1);
  }
}
