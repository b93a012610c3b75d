import type { Query } from '@weir/store';

interface PlanNode {
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** What statements touched: rows that went through the busiest node of a statement's plan. */
export interface Touched {
  /** Of the statement that touched most. */
  most: number;
  busiest: string;
  /** Of all together. */
  rows: number;
}

/** Runs each SELECT a second time under EXPLAIN ANALYZE: what a statement costs is told in rows, which no busy machine changes. */
export function measureQuery(query: Query): { readonly query: Query; readonly touched: Touched } {
  const touched: Touched = { most: 0, busiest: '', rows: 0 };
  return {
    touched,
    query: async (sql, parameters) => {
      if (/^\s*SELECT/.test(sql)) {
        const [row] = await query(`EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`, parameters);
        const [explained] = row?.['QUERY PLAN'] as readonly { readonly Plan: PlanNode }[];
        const rows = explained === undefined ? 0 : busiest(explained.Plan);
        touched.rows += rows;
        if (rows > touched.most) Object.assign(touched, { most: rows, busiest: sql });
      }
      return query(sql, parameters);
    },
  };
}

function busiest(node: PlanNode): number {
  const own = (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
  return Math.max(own, ...(node.Plans ?? []).map(busiest));
}
