import type { Query, Rows } from '@weir/store';
import { InvoiceError, InvoiceReader, type InvoiceLine } from '../../domain/invoice.js';

/** An invoice in a temporary table of one connection. */

export interface StoredLine {
  readonly line: InvoiceLine;
  /** An earlier line names the same attempt. */
  readonly isRepeated: boolean;
}

const LINES_PER_STATEMENT = 1_000;

export async function createInvoiceTable(query: Query): Promise<void> {
  await query(
    `CREATE TEMPORARY TABLE invoice_lines (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, attempt_id uuid, model text NOT NULL,
       quantities jsonb, billed_pico numeric NOT NULL, ended_at bigint NOT NULL)`,
  );
  await query('CREATE INDEX ON invoice_lines (attempt_id, number)');
}

export async function dropInvoiceTable(query: Query): Promise<void> {
  await query('DROP TABLE IF EXISTS pg_temp.invoice_lines');
}

/** Reads an invoice as it comes, and holds no more of it than a statement takes. @throws InvoiceError naming the line. */
export async function storeInvoice(
  query: Query,
  format: 'ndjson' | 'csv',
  body: AsyncIterable<Uint8Array>,
  stopping: AbortSignal,
): Promise<void> {
  const reader = new InvoiceReader(format);
  const decode = createDecoder();
  let waiting: InvoiceLine[] = [];
  for await (const chunk of body) {
    stopping.throwIfAborted();
    waiting.push(...reader.push(decode(chunk)));
    if (waiting.length < LINES_PER_STATEMENT) continue;
    await insertLines(query, waiting);
    waiting = [];
  }
  waiting.push(...reader.push(decode()), ...reader.end());
  await insertLines(query, waiting);
  await query('ANALYZE invoice_lines');
}

/** UTF-8 in pieces; without one it says what is left. @throws InvoiceError where it is none. */
function createDecoder(): (chunk?: Uint8Array) => string {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  return (chunk) => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch (error) {
      throw error instanceof TypeError ? new InvoiceError('the invoice is not UTF-8') : error;
    }
  };
}

async function insertLines(query: Query, lines: readonly InvoiceLine[]): Promise<void> {
  for (let start = 0; start < lines.length; start += LINES_PER_STATEMENT) {
    const rows = lines.slice(start, start + LINES_PER_STATEMENT).map((line) => ({
      attempt_id: line.attemptId,
      model: line.model,
      // Counts and amounts as strings: JSON numbers would be floats on the way.
      quantities:
        line.quantities && Object.fromEntries([...line.quantities].map(([name, count]) => [name, `${count}`])),
      billed_pico: line.billedPico.toString(),
      ended_at: line.endedAt,
    }));
    await query(
      `INSERT INTO invoice_lines (attempt_id, model, quantities, billed_pico, ended_at)
       SELECT * FROM jsonb_to_recordset($1::jsonb) AS r (attempt_id uuid, model text, quantities jsonb, billed_pico numeric, ended_at bigint)`,
      [JSON.stringify(rows)],
    );
  }
}

/** The lines in the invoice's order, in pages. */
export async function* readInvoicePages(query: Query): AsyncGenerator<readonly StoredLine[]> {
  for (let after = '0'; ;) {
    const rows = await query(
      `SELECT i.*, EXISTS (SELECT FROM invoice_lines b WHERE b.attempt_id = i.attempt_id AND b.number < i.number) AS is_repeated
       FROM invoice_lines i WHERE number > $1 ORDER BY number LIMIT ${LINES_PER_STATEMENT}`,
      [after],
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows.map(mapRowToLine);
    after = last['number'] as string;
  }
}

function mapRowToLine(row: Rows[number]): StoredLine {
  const quantities = row['quantities'] as Readonly<Record<string, string>> | null;
  return {
    line: {
      attemptId: row['attempt_id'] as string | null,
      model: row['model'] as string,
      quantities:
        quantities && new Map(Object.entries(quantities).map(([bucket, count]) => [bucket, BigInt(count)] as const)),
      billedPico: BigInt(row['billed_pico'] as string),
      endedAt: Number(row['ended_at']),
    },
    isRepeated: row['is_repeated'] as boolean,
  };
}
