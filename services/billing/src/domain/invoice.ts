import { CHARGE_BUCKETS } from '@weir/contracts';
import { isExactObject, parseExactJson, parseUsd, type ExactJson } from '@weir/money';
import { parseCsv, type CsvRow } from './csv.js';
import { RecordSplitter, type InvoiceRecord } from './invoice-records.js';

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

type Fields = Readonly<Record<string, ExactJson | undefined>>;

/**
 * Reads an invoice that comes in pieces: NDJSON, or CSV with a header, with `attemptId`, `model`, `costUsd`, `endedAt` and, where the provider
 * counts them, the buckets by their names. Amounts are read as decimals, never as floats. Gives the lines that each piece completes.
 *
 * @throws InvoiceError naming the line.
 */
export class InvoiceReader {
  private readonly splitter: RecordSplitter;
  private header: CsvRow | undefined;

  constructor(private readonly format: 'ndjson' | 'csv') {
    this.splitter = new RecordSplitter(format);
  }

  push(text: string): InvoiceLine[] {
    return this.read(() => this.splitter.push(text));
  }

  /** The last lines. */
  end(): InvoiceLine[] {
    const lines = this.read(() => this.splitter.end());
    if (this.format === 'csv' && this.header === undefined) throw new InvoiceError('line 1: there is no header');
    return lines;
  }

  private read(split: () => InvoiceRecord[]): InvoiceLine[] {
    let line: number | undefined;
    try {
      return split().flatMap((record) => {
        line = record.line;
        const fields = this.format === 'csv' ? this.readCsv(record) : readJson(record.text);
        return fields === undefined ? [] : [mapFieldsToLine(fields)];
      });
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof SyntaxError)) throw error;
      throw new InvoiceError(line === undefined ? error.message : `line ${line}: ${error.message}`);
    }
  }

  /** Undefined for the header and for an empty line. */
  private readCsv({ text }: InvoiceRecord): Fields | undefined {
    const [row] = parseCsv(text);
    if (row === undefined) return undefined;
    const { header } = this;
    if (header === undefined) {
      this.header = row;
      return undefined;
    }
    if (row.length !== header.length) throw new RangeError(`${row.length} cells, not ${header.length}`);
    return Object.fromEntries(header.map((name, column) => [name, row[column]]));
  }
}

/** Undefined for an empty line. */
function readJson(text: string): Fields | undefined {
  if (text.trim() === '') return undefined;
  let fields: ExactJson | undefined;
  try {
    fields = parseExactJson(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  if (fields === undefined || !isExactObject(fields)) throw new RangeError('not a JSON object');
  return fields;
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
