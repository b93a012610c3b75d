export { bootstrapService, type HttpOptions, type ServiceOptions } from './bootstrap.js';
export { systemClock, type Clock } from './clock.js';
export { Health, type HealthReport, type HealthState } from './health.js';
export { isLoopback } from './loopback.js';
export { createLogger, type Logger } from './logger.js';
export { Counter, Gauge, Histogram, Registry, createMetrics } from './metrics.js';
export { CommonSettings, SettingsError, commonSettings, parseSettings } from './settings.js';
export { CLOCK, HEALTH, LOGGER, METRICS, MICROSERVICE_STRATEGIES, SETTINGS } from './tokens.js';
