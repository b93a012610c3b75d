import { ClickHouseError } from '@clickhouse/client';

/** The server refused rows for what they are: a repeat would be refused again. */
export class WarehouseRejection extends Error {
  override readonly name = 'WarehouseRejection';
  /** The server's name of the error, `CANNOT_PARSE_DATETIME`. */
  readonly reason: string;

  constructor(table: string, cause: unknown) {
    const reason = cause instanceof ClickHouseError ? (cause.type ?? cause.code) : 'UNKNOWN';
    super(`rows for ${table} were refused: ${reason}`, { cause });
    this.reason = reason;
  }
}

/** Codes of ClickHouse (src/Common/ErrorCodes.cpp) that say a value cannot be read or does not fit its column. */
const ROW_FAULTS = new Set([
  '6', // CANNOT_PARSE_TEXT
  '26', // CANNOT_PARSE_QUOTED_STRING
  '27', // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  '38', // CANNOT_PARSE_DATE
  '41', // CANNOT_PARSE_DATETIME
  '53', // TYPE_MISMATCH
  '69', // ARGUMENT_OUT_OF_BOUND
  '70', // CANNOT_CONVERT_TYPE
  '72', // CANNOT_PARSE_NUMBER
  '117', // INCORRECT_DATA
  '130', // CANNOT_READ_ARRAY_FROM_TEXT
  '321', // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
  '349', // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
  '376', // CANNOT_PARSE_UUID
  '407', // DECIMAL_OVERFLOW
  '467', // CANNOT_PARSE_BOOL
]);

export function isRejection(error: unknown): boolean {
  return error instanceof ClickHouseError && ROW_FAULTS.has(error.code);
}
