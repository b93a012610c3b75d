import { commonSettings, parseSettings } from '@weir/kit';
import { z } from 'zod';
import type { HealthPolicy } from './domain/target-health.js';

const Milliseconds = z.coerce.number().int().min(1);

/** Environment of the router. Intervals are those of scale 1; `WEIR_TIME_SCALE` multiplies them. */
export const RouterSettings = z.object({
  ...commonSettings,
  /** Most targets one call may try. */
  WEIR_ATTEMPTS_MAX: z.coerce.number().int().min(1).max(255).default(4),
  /** Failures within the window that take a target out, provided they are at least the ratio of its outcomes there. */
  WEIR_HEALTH_FAILURES: z.coerce.number().int().min(2).default(5),
  WEIR_HEALTH_FAILURE_RATIO: z.coerce.number().min(0).max(1).default(0.5),
  WEIR_HEALTH_WINDOW_MS: Milliseconds.default(30_000),
  /** Wait before the first probe of a target that was taken out; doubled with each failed one. */
  WEIR_HEALTH_PROBE_MS: Milliseconds.default(5_000),
  WEIR_HEALTH_PROBE_MAX_MS: Milliseconds.default(60_000),
  /** Longest rest that a provider's Retry-After can impose. */
  WEIR_HEALTH_REST_MAX_MS: Milliseconds.default(300_000),
});
export type RouterSettings = z.infer<typeof RouterSettings>;

/** Throws SettingsError with every fault of the environment. */
export const readSettings = (): RouterSettings => parseSettings(RouterSettings, process.env);

/** The settings' health policy in real milliseconds. `Retry-After` comes from outside and is not scaled, nor is its limit. */
export function healthPolicy(settings: RouterSettings): HealthPolicy {
  const scale = settings.WEIR_TIME_SCALE;
  return {
    failuresToOpen: settings.WEIR_HEALTH_FAILURES,
    failureRatio: settings.WEIR_HEALTH_FAILURE_RATIO,
    windowMs: settings.WEIR_HEALTH_WINDOW_MS * scale,
    probeAfterMs: settings.WEIR_HEALTH_PROBE_MS * scale,
    probeAfterMaxMs: settings.WEIR_HEALTH_PROBE_MAX_MS * scale,
    restMaxMs: settings.WEIR_HEALTH_REST_MAX_MS,
  };
}
