import { fileURLToPath } from 'node:url';
import { commonSettings, isLoopback, parseSettings } from '@weir/kit';
import { z } from 'zod';

/** The price lists that come with this release, beside the compiled code. */
const SHIPPED_PRICES = fileURLToPath(new URL('../prices/', import.meta.url));

/** Environment of billing. */
export const BillingSettings = z.object({
  ...commonSettings,
  WEIR_POSTGRES_URL: z.string().min(1),
  WEIR_CLICKHOUSE_URL: z.url(),
  WEIR_CLICKHOUSE_USER: z.string().min(1),
  WEIR_CLICKHOUSE_PASSWORD: z.string(),
  WEIR_CLICKHOUSE_DATABASE: z.string().min(1).default('weir'),
  /** Cluster of ClickHouse whose servers hold the tables, replicated; without it there is one server. */
  WEIR_CLICKHOUSE_CLUSTER: z.string().min(1).optional(),
  /** Its administration: prices, ledger, reconciliation. It speaks plain HTTP, so it is heard on this machine alone. */
  WEIR_HTTP_HOST: z
    .string()
    .default('127.0.0.1')
    .refine(isLoopback, 'only the loopback: its token would travel in the clear'),
  WEIR_HTTP_PORT: z.coerce.number().int().min(0).max(65_535),
  WEIR_BILLING_TOKEN: z.string().min(16, 'at least 16 characters'),
  /** How long after its end an hour is closed by itself. What lands later is booked as late. */
  WEIR_CLOSE_GRACE_MS: z.coerce.number().int().min(0).default(900_000),
  /** Where a test stops or kills this process: see `createFailpoint`. Without NODE_ENV=test it means nothing. */
  WEIR_FAILPOINT: z.string().optional(),
  NODE_ENV: z.string().optional(),
  /** Folder of price lists, `*.yaml`. */
  WEIR_PRICES_DIR: z.string().min(1).default(SHIPPED_PRICES),
});
export type BillingSettings = z.infer<typeof BillingSettings>;

/** @throws SettingsError naming every fault of the environment. */
export const readSettings = (): BillingSettings => parseSettings(BillingSettings, process.env);
