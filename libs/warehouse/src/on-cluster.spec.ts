import { describe, expect, it } from '@jest/globals';
import { onCluster } from './on-cluster.js';
import { WAREHOUSE_SCHEMA } from './schema/schema.js';

const statements = WAREHOUSE_SCHEMA.flatMap((migration) => migration.statements).map((statement) =>
  statement.replaceAll('{database}', 'weir'),
);

describe('the schema on a cluster', () => {
  it('defines everything on each server', () => {
    for (const statement of statements.filter((one) => !one.trim().startsWith('INSERT'))) {
      expect(onCluster(statement, 'main')).toMatch(/^\s*[A-Z ]+weir\.\w+ ON CLUSTER 'main'/);
    }
    expect(onCluster('CREATE DATABASE IF NOT EXISTS weir', 'main')).toBe(
      "CREATE DATABASE IF NOT EXISTS weir ON CLUSTER 'main'",
    );
  });

  it('has replicated tables alone, with their window of deduplication', () => {
    const tables = statements.map((one) => onCluster(one, 'main')).filter((one) => one.includes('CREATE TABLE'));
    expect(tables.length).toBeGreaterThan(8);
    for (const table of tables) {
      expect(table).toMatch(/ENGINE = Replicated(?:Aggregating)?MergeTree/);
      expect(table).toMatch(/ replicated_deduplication_window = 10000/);
    }
  });

  it('changes nothing else, and nothing that only puts rows in', () => {
    const table = 'CREATE TABLE IF NOT EXISTS weir.t (a UInt8) ENGINE = MergeTree ORDER BY a';
    expect(onCluster(table, 'main')).toBe(
      "CREATE TABLE IF NOT EXISTS weir.t ON CLUSTER 'main' (a UInt8) ENGINE = ReplicatedMergeTree ORDER BY a",
    );
    const insert = statements.find((one) => one.trim().startsWith('INSERT')) ?? '';
    expect(onCluster(insert, 'main')).toBe(insert);
  });

  it.each(["a'b", '', '1a', 'a b'])('takes no %j for a name', (cluster) => {
    expect(() => onCluster('SELECT 1', cluster)).toThrow(RangeError);
  });
});
