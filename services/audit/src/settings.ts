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
  /** Cluster of ClickHouse whose servers hold the tables, replicated; without it there is one server. */
  WEIR_CLICKHOUSE_CLUSTER: z.string().min(1).optional(),
  /** Keys the log is signed with, made at the first start; readable for their owner alone. */
  WEIR_LOG_KEY_FILE: z.string().min(1),
  /** Where signed checkpoints go beside Postgres: better on another disk, or on one that cannot be written twice. */
  WEIR_CHECKPOINTS_DIR: z.string().min(1),
  /** Where a test stops or kills this process: see `createFailpoint`. Without NODE_ENV=test it means nothing. */
  WEIR_FAILPOINT: z.string().optional(),
  NODE_ENV: z.string().optional(),
});
export type AuditSettings = z.infer<typeof AuditSettings>;

/** @throws SettingsError naming every fault of the environment. */
export const readSettings = (): AuditSettings => parseSettings(AuditSettings, process.env);
