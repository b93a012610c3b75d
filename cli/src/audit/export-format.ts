import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { AuditFault } from './audit-fault.js';

/**
 * An export of the log: one JSON object a line. First `head` and the keys; then each partition, in which a checkpoint stands right after
 * the leaves it covers; last `end`, which tells that nothing was cut off.
 */
export const ExportLine = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('head'),
    format: z.literal('weir-audit-export'),
    version: z.literal(1),
    exportedAt: z.string(),
  }),
  z.object({ kind: z.literal('key'), verifierKey: z.string() }),
  z.object({ kind: z.literal('checkpoint'), partition: z.int(), note: z.string() }),
  z.object({
    kind: z.literal('leaf'),
    partition: z.int(),
    index: z.int(),
    hash: z.string().regex(/^[0-9a-f]{64}$/),
    /** The leaf's exact bytes as text; null where retention has removed it. */
    leaf: z.string().nullable(),
  }),
  z.object({ kind: z.literal('end'), leaves: z.int(), checkpoints: z.int() }),
]);
export type ExportLine = z.infer<typeof ExportLine>;

/** Reads an export line by line. @throws AuditFault for a line that is none of the format. */
export async function* readExport(file: string): AsyncGenerator<ExportLine> {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity });
  let number = 0;
  for await (const line of lines) {
    number += 1;
    yield parseLine(line, number);
  }
}

function parseLine(line: string, number: number): ExportLine {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    throw new AuditFault('export_invalid', 'a line is not JSON', { line: number });
  }
  const parsed = ExportLine.safeParse(json);
  if (!parsed.success) throw new AuditFault('export_invalid', 'a line is none of the format', { line: number });
  return parsed.data;
}
