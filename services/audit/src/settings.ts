import { commonSettings, parseSettings } from '@weir/kit';
import { z } from 'zod';

/** Environment of audit. */
export const AuditSettings = z.object({
  ...commonSettings,
  WEIR_POSTGRES_URL: z.string().min(1),
  WEIR_CLICKHOUSE_URL: z.url(),
  WEIR_CLICKHOUSE_USER: z.string().min(1),
  WEIR_CLICKHOUSE_PASSWORD: z.string(),
  WEIR_CLICKHOUSE_DATABASE: z.string().min(1).default('weir'),
});
export type AuditSettings = z.infer<typeof AuditSettings>;

/** @throws SettingsError naming every fault of the environment. */
export const readSettings = (): AuditSettings => parseSettings(AuditSettings, process.env);
