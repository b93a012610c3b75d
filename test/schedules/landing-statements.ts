import type { KnownStatement, Row } from './simulated-postgres.js';

interface FenceRow extends Row {
  epoch: number;
  backend: number;
  renewedAt: number;
  doubts: unknown;
}

/** A sink's tables; those in landing's own schema too. */
const table = (schema: string, name: string): string => `${schema}.${name}`;

/** Whether this epoch is the partition's: the row is then locked until the transaction ends, which nobody else can wait for here. */
function holds(fence: Row | undefined, epoch: unknown): boolean {
  return fence !== undefined && fence['epoch'] === epoch;
}

/** What the landers of a sink send; a session's schema tells of which. */
export const LANDING_STATEMENTS: readonly KnownStatement[] = [
  {
    words: ['INSERT INTO', 'landing_fences AS f', 'epoch = f.epoch + 1'],
    run: ({ parameters: [partition], schema, backend, now, database }) => {
      const fences = database.table(table(schema, 'fences'));
      const before = fences.get(String(partition)) as FenceRow | undefined;
      const epoch = (before?.epoch ?? 0) + 1;
      fences.set(String(partition), { epoch, backend, renewedAt: now, doubts: before?.doubts ?? [] });
      return [{ epoch: String(epoch) }];
    },
  },
  {
    words: ['UPDATE', 'landing_fences SET renewed_at', 'AND epoch = $2'],
    run: ({ parameters: [partition, epoch], schema, now, database }) => {
      const fence = database.table(table(schema, 'fences')).get(String(partition));
      if (!fence || !holds(fence, epoch)) return [];
      fence['renewedAt'] = now;
      return [{}];
    },
  },
  {
    words: ['SELECT pg_terminate_backend(backend)', 'renewed_at < clock_timestamp()'],
    run: ({ parameters: [partition, leaseMs, lock], schema, now, database }) => {
      const fence = database.table(table(schema, 'fences')).get(String(partition)) as FenceRow | undefined;
      const isStale = fence !== undefined && fence.renewedAt < now - Number(leaseMs);
      if (!isStale || database.holderOf(lock as string) !== fence.backend) return [];
      database.terminate(fence.backend);
      return [{}];
    },
  },
  {
    words: ['SELECT 1 FROM', 'landing_fences', 'AND epoch = $2 FOR UPDATE'],
    run: ({ parameters: [partition, epoch], schema, database }) =>
      holds(database.table(table(schema, 'fences')).get(String(partition)), epoch) ? [{}] : [],
  },
  {
    words: ['SELECT doubts FROM'],
    run: ({ parameters: [partition], schema, database }) => {
      const fence = database.table(table(schema, 'fences')).get(String(partition));
      return fence ? [{ doubts: fence['doubts'] }] : [];
    },
  },
  {
    words: ['UPDATE', 'landing_fences SET doubts'],
    run: ({ parameters: [partition, doubts], schema, database, commit }) => {
      const value = JSON.parse(doubts as string) as unknown;
      commit(() => {
        const fence = database.table(table(schema, 'fences')).get(String(partition));
        if (fence) fence['doubts'] = value;
      });
      return [];
    },
  },
  {
    words: ['SELECT stream_created', 'landing_intents WHERE partition = $1 AND done_at IS NULL'],
    run: ({ parameters: [partition], schema, database }) => {
      const intent = database.table(table(schema, 'intents')).get(String(partition));
      return intent?.['done_at'] === null ? [intent] : [];
    },
  },
  {
    words: ['WITH fence AS', 'landing_intents AS i', 'AND epoch = $2 FOR UPDATE', 'i.inserts = excluded.inserts'],
    run: ({ parameters: [partition, epoch, created, positions, runs, inserts], schema, now, database }) => {
      if (!holds(database.table(table(schema, 'fences')).get(String(partition)), epoch)) return [];
      const intents = database.table(table(schema, 'intents'));
      const open = intents.get(String(partition));
      const isOpen = open !== undefined && open['done_at'] === null;
      if (isOpen && JSON.stringify(open['inserts']) !== inserts) return [];
      const recordedAt = isOpen ? open['recorded_at'] : now;
      const parsed = [positions, runs, inserts].map((text) => JSON.parse(text as string) as unknown);
      const [positionRanges, runRanges, intended] = parsed;
      const row = { stream_created: created, positions: positionRanges, runs: runRanges, inserts: intended };
      intents.set(String(partition), { ...row, recorded_at: recordedAt, done_at: null });
      return [{ recorded_at: recordedAt }];
    },
  },
  {
    words: ['UPDATE', 'landing_intents SET done_at = now()'],
    run: ({ parameters: [partition], schema, now, database, commit }) => {
      commit(() => {
        const intent = database.table(table(schema, 'intents')).get(String(partition));
        if (intent?.['done_at'] === null) intent['done_at'] = now;
      });
      return [];
    },
  },
  {
    words: ['SELECT producer_id, epoch, through, above FROM landing_watermarks'],
    run: ({ parameters, schema, database }) => {
      const [ids, epochs] = parameters as [string[], number[]];
      const marks = database.table(table(schema, 'watermarks'));
      return ids.flatMap((id, index): Row[] => {
        const mark = marks.get(`${id}:${epochs[index]}`);
        return mark ? [mark] : [];
      });
    },
  },
  {
    words: ['INSERT INTO landing_watermarks'],
    run: ({ parameters, schema, database, commit }) => {
      const [ids, epochs, through, above] = parameters as [string[], number[], number[], string[]];
      const marks = database.table(table(schema, 'watermarks'));
      commit(() =>
        ids.forEach((id, index) =>
          marks.set(`${id}:${epochs[index]}`, {
            producer_id: id,
            epoch: epochs[index],
            through: through[index],
            above: JSON.parse(above[index] ?? '[]') as unknown,
          }),
        ),
      );
      return [];
    },
  },
  {
    words: ['SELECT size, frontier FROM log_heads'],
    run: ({ parameters: [partition], schema, database }) => {
      const head = database.table(table(schema, 'heads')).get(String(partition));
      return head ? [head] : [];
    },
  },
  {
    words: ['INSERT INTO log_heads', 'h.size <= excluded.size'],
    run: ({ parameters: [partition, size, frontier], schema, database, commit }) => {
      const heads = database.table(table(schema, 'heads'));
      const before = heads.get(String(partition));
      if (before && Number(before['size']) > Number(size)) return [];
      commit(() => void heads.set(String(partition), { size: String(size), frontier }));
      return [{ size: String(size) }];
    },
  },
];
