import { pino, type Logger } from 'pino';

export type { Logger };

/** A JSON logger that writes to standard output. Logs hold no prompts and no keys: log ids, codes and sizes, never bodies or headers. */
export function createLogger(options: { service: string; instance: string; level: string }): Logger {
  return pino({
    level: options.level,
    base: { service: options.service, instance: options.instance },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}
