import type { Logger } from './logger.js';

export interface ShutdownOptions {
  readonly logger: Logger;
  /** Ends the process with 1 where draining takes longer. */
  readonly withinMs: number;
  readonly drain: () => Promise<void>;
}

/**
 * Drains once, at the first of SIGTERM, SIGINT and the closing of the parent's IPC channel (its death included), then exits. A fault nobody
 * caught ends the process at once and loudly: the journal makes that safe, and going on would not be.
 */
export function runUntilSignalled(options: ShutdownOptions): void {
  let isStopping = false;
  const stop = (reason: string): void => {
    if (isStopping) return;
    isStopping = true;
    options.logger.info({ reason }, 'draining');
    const deadline = setTimeout(() => {
      options.logger.fatal({ withinMs: options.withinMs }, 'draining took too long');
      process.exit(1);
    }, options.withinMs);
    deadline.unref();
    options.drain().then(
      () => {
        options.logger.info('stopped');
        process.exit(0);
      },
      (error: unknown) => {
        options.logger.fatal({ err: error }, 'draining failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', () => {
    stop('SIGTERM');
  });
  process.on('SIGINT', () => {
    stop('SIGINT');
  });
  if (process.send) {
    process.on('disconnect', () => {
      stop('parent is gone');
    });
  }
  process.on('uncaughtException', (error) => {
    options.logger.fatal({ err: error }, 'uncaught exception');
    process.exit(1);
  });
  process.on('unhandledRejection', (error) => {
    options.logger.fatal({ err: error }, 'unhandled rejection');
    process.exit(1);
  });
}
