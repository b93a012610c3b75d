import { CHARGE_BUCKETS } from '@weir/contracts';
import { isExactObject, parseExactJson, parseUsd, type ExactJson } from '@weir/money';
import { parseCsv, type CsvRow } from './csv.js';

/** One line of a provider's invoice. */
export interface InvoiceLine {
  /** The id we sent with the request; null where the invoice has none. */
  readonly attemptId: string | null;
  readonly model: string;
  /** Counts by bucket, those above 0; null where the invoice states none. */
  readonly quantities: ReadonlyMap<string, bigint> | null;
  readonly billedPico: bigint;
  /** Milliseconds since the epoch. */
  readonly endedAt: number;
}

/** A line of an invoice that cannot be read: nothing of the invoice is reconciled. */
export class InvoiceError extends Error {
  override readonly name = 'InvoiceError';
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Reads an invoice: NDJSON, or CSV with a header, with `attemptId`, `model`, `costUsd`, `endedAt` and, where the provider counts them, the
 * buckets by their names. Amounts are read as decimals, never as floats.
 *
 * @throws InvoiceError naming the line.
 */
export function parseInvoice(format: 'ndjson' | 'csv', text: string): InvoiceLine[] {
  const rows = format === 'csv' ? readCsv(text) : readNdjson(text);
  return rows.map(({ fields, line }) => {
    try {
      return mapFieldsToLine(fields);
    } catch (error) {
      if (error instanceof RangeError || error instanceof SyntaxError)
        throw new InvoiceError(`line ${line}: ${error.message}`);
      throw error;
    }
  });
}

type Fields = Readonly<Record<string, ExactJson | undefined>>;
interface NumberedFields {
  readonly fields: Fields;
  readonly line: number;
}

function readNdjson(text: string): NumberedFields[] {
  return text.split('\n').flatMap((content, index) => {
    if (content.trim() === '') return [];
    const line = index + 1;
    try {
      const fields = parseExactJson(content);
      if (isExactObject(fields)) return [{ fields, line }];
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    throw new InvoiceError(`line ${line}: not a JSON object`);
  });
}

function readCsv(text: string): NumberedFields[] {
  const [header, ...rows] = readRows(text);
  if (header === undefined) throw new InvoiceError('line 1: there is no header');
  return rows.map(({ cells, line }) => {
    if (cells.length !== header.cells.length)
      throw new InvoiceError(`line ${line}: ${cells.length} cells, not ${header.cells.length}`);
    return { fields: Object.fromEntries(header.cells.map((name, column) => [name, cells[column]])), line };
  });
}

function readRows(text: string): CsvRow[] {
  try {
    return parseCsv(text);
  } catch (error) {
    throw error instanceof RangeError ? new InvoiceError(error.message) : error;
  }
}

function mapFieldsToLine(fields: Fields): InvoiceLine {
  const attemptId = textOf(fields, 'attemptId')?.toLowerCase() ?? null;
  const endedAt = Date.parse(textOf(fields, 'endedAt') ?? '');
  if (Number.isNaN(endedAt)) throw new RangeError('endedAt is no time');
  const cost = textOf(fields, 'costUsd');
  if (cost === undefined) throw new RangeError('costUsd is missing');
  return {
    // What is no id of ours is no reason to refuse an invoice: somebody else's line has one too.
    attemptId: attemptId !== null && UUID.test(attemptId) ? attemptId : null,
    model: textOf(fields, 'model') ?? '',
    quantities: quantitiesOf(fields),
    billedPico: parseUsd(cost),
    endedAt,
  };
}

function quantitiesOf(fields: Fields): Map<string, bigint> | null {
  const stated = CHARGE_BUCKETS.flatMap((bucket) => {
    const text = textOf(fields, bucket);
    if (text === undefined) return [];
    if (!/^\d{1,18}$/.test(text)) throw new RangeError(`${bucket} is no count: ${text}`);
    return [[bucket, BigInt(text)] as const];
  });
  return stated.length === 0 ? null : new Map(stated.filter(([, quantity]) => quantity > 0n));
}

/** Text of a field; undefined where it is missing, null or empty. */
function textOf(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw new RangeError(`${name} is no text and no number`);
  return value;
}
