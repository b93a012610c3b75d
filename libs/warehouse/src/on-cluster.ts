const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/** What defines something, and the name it gives it: the cluster is named right behind. */
const DEFINITION =
  /^(\s*(?:CREATE (?:DATABASE|TABLE|MATERIALIZED VIEW|VIEW) IF NOT EXISTS|CREATE OR REPLACE VIEW|ALTER TABLE|DROP VIEW IF EXISTS|DROP TABLE IF EXISTS) [A-Za-z0-9_.]+)/;

/**
 * A statement of the schema as a cluster of ClickHouse takes it: run on each of its servers, with tables that are replicated. Where a replica
 * keeps its table is the servers' own default (`default_replica_path`, by the macros `{shard}` and `{replica}`); the window of deduplication is
 * that of replicated tables. https://clickhouse.com/docs/engines/table-engines/mergetree-family/replication
 *
 * @throws RangeError where the cluster's name is none.
 */
export function onCluster(statement: string, cluster: string): string {
  if (!NAME.test(cluster)) throw new RangeError(`not a cluster's name: ${JSON.stringify(cluster)}`);
  return statement
    .replace(DEFINITION, `$1 ON CLUSTER '${cluster}'`)
    .replace(/\bENGINE = (\w*MergeTree)\b/, 'ENGINE = Replicated$1')
    .replace(/\bnon_replicated_deduplication_window\b/, 'replicated_deduplication_window');
}
