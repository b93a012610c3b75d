/** A record of an invoice: what stands between two ends of lines, for CSV outside of quotes. */
export interface InvoiceRecord {
  readonly text: string;
  /** Where it begins, from 1. */
  readonly line: number;
}

/** Characters of a record: no invoice has one this long, a file that is none may. */
export const RECORD_CHARACTERS_MAX = 1_048_576;

/**
 * Splits an invoice that comes in pieces into records. It holds no more than the record that is not complete yet.
 *
 * @throws RangeError naming the line where a record is longer than {@link RECORD_CHARACTERS_MAX}.
 */
export class RecordSplitter {
  private rest = '';
  private line = 1;
  private isBegun = false;

  constructor(private readonly format: 'ndjson' | 'csv') {}

  push(text: string): InvoiceRecord[] {
    this.rest += !this.isBegun && text.startsWith('\uFEFF') ? text.slice(1) : text;
    this.isBegun ||= text !== '';
    const records: InvoiceRecord[] = [];
    let begin = 0;
    for (const end of this.ends()) {
      records.push(this.take(this.rest.slice(begin, end + 1)));
      begin = end + 1;
    }
    this.rest = this.rest.slice(begin);
    if (this.rest.length > RECORD_CHARACTERS_MAX)
      throw new RangeError(
        `line ${this.line}: it is longer than ${RECORD_CHARACTERS_MAX} characters, or a quote is not closed`,
      );
    return records;
  }

  /** What is left at the end, which needs no newline. */
  end(): InvoiceRecord[] {
    const { rest } = this;
    this.rest = '';
    return rest === '' ? [] : [this.take(rest)];
  }

  private take(text: string): InvoiceRecord {
    const record = { text, line: this.line };
    this.line += text.split('\n').length - 1;
    return record;
  }

  /** Places of the newlines that end a record. */
  private *ends(): Generator<number> {
    let isQuoted = false;
    for (const { 0: found, index } of this.rest.matchAll(this.format === 'csv' ? /["\n]/g : /\n/g)) {
      // A doubled quote closes and opens again.
      if (found === '"') isQuoted = !isQuoted;
      else if (!isQuoted) yield index;
    }
  }
}
