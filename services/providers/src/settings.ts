import { commonSettings, parseSettings } from '@weir/kit';
import { z } from 'zod';

const Count = z.coerce.number().int().min(1);
const MIB = 1024 * 1024;

/** Environment of providers. Intervals are those of scale 1; `WEIR_TIME_SCALE` multiplies them. */
export const ProvidersSettings = z.object({
  ...commonSettings,
  /** Parent folder of journals; this worker's own is `<folder>/<service id>`. */
  WEIR_JOURNAL_DIR: z.string().min(1),
  /** Opens the sealed credentials of providers. */
  WEIR_MASTER_KEY: z.string().min(16),
  /** Calls at once, over all providers; each provider has its own limit in the catalog. */
  WEIR_CALLS_MAX: Count.default(1_024),
  /** Request bodies held at once, in bytes. */
  WEIR_BODY_BYTES_MAX: Count.default(256 * MIB),
  /** Mean delay of the event loop above which the worker takes no more calls. */
  WEIR_LOOP_DELAY_MS_MAX: Count.default(500),
  WEIR_JOURNAL_HIGH_WATER_BYTES: Count.default(1_024 * MIB),
  WEIR_JOURNAL_SEGMENT_BYTES: Count.default(16 * MIB),
  WEIR_JOURNAL_FSYNC_MS: Count.default(100),
});
export type ProvidersSettings = z.infer<typeof ProvidersSettings>;

/** Throws SettingsError with every fault of the environment. */
export const readSettings = (): ProvidersSettings => parseSettings(ProvidersSettings, process.env);
