import type { Connection } from './connection.js';

/** Environment of a sink's process on a stack's parts, in tests: a tenth of every interval, and nothing logged but what ends it. */
export function sinkEnvironment(
  { internal, nats, postgres }: Connection,
  service: 'audit' | 'billing',
  healthPort: number,
): Record<string, string | undefined> {
  const { clickhouseWriter, natsUsers } = internal;
  const own =
    service === 'audit'
      ? { WEIR_LOG_KEY_FILE: internal.logKeyFile, WEIR_CHECKPOINTS_DIR: internal.checkpoints }
      : { WEIR_HTTP_PORT: '0', WEIR_BILLING_TOKEN: 'a token of sixteen characters' };
  return {
    WEIR_SERVICE_ID: `${service}-0`,
    WEIR_NATS_URL: `nats://${new URL(nats.url).host}`,
    WEIR_NATS_USER: service,
    WEIR_NATS_PASSWORD: natsUsers[service],
    WEIR_POSTGRES_URL: postgres.url,
    WEIR_CLICKHOUSE_URL: clickhouseWriter.url,
    WEIR_CLICKHOUSE_USER: clickhouseWriter.user,
    WEIR_CLICKHOUSE_PASSWORD: clickhouseWriter.password,
    WEIR_CLICKHOUSE_DATABASE: clickhouseWriter.database,
    WEIR_HEALTH_PORT: String(healthPort),
    WEIR_LOG_LEVEL: 'fatal',
    WEIR_TIME_SCALE: '0.1',
    ...own,
  };
}
