/** Codes this front raises itself; their names and numbers are ClickHouse's (src/Common/ErrorCodes.cpp). */
const CODES = {
  BAD_ARGUMENTS: 36,
  SYNTAX_ERROR: 62,
  READONLY: 164,
  REQUIRED_PASSWORD: 194,
  TOO_MANY_SIMULTANEOUS_QUERIES: 202,
  ABORTED: 236,
  CANNOT_DECOMPRESS: 271,
  QUERY_IS_TOO_LARGE: 229,
  MEMORY_LIMIT_EXCEEDED: 241,
  LIMIT_EXCEEDED: 290,
  SETTING_CONSTRAINT_VIOLATION: 452,
  AUTHENTICATION_FAILED: 516,
} as const;
export type CodeName = keyof typeof CODES;

/** An error as ClickHouse reports it: a code, its name, a message. */
export class ClickHouseException extends Error {
  constructor(
    readonly code: number,
    /** `Code: 60. DB::Exception: … (UNKNOWN_TABLE)`, without the version that ends the line on the wire. */
    message: string,
    readonly status: number = mapCodeToStatus(code),
  ) {
    super(message);
    this.name = 'ClickHouseException';
  }
}

/** An exception of the front itself. `status` overrides what its code would give. */
export function exception(name: CodeName, message: string, status?: number): ClickHouseException {
  const code = CODES[name];
  return new ClickHouseException(code, `Code: ${code}. DB::Exception: ${message} (${name})`, status);
}

/** What the engine threw, with the code it names itself. */
export function mapEngineError(error: unknown): ClickHouseException {
  if (error instanceof ClickHouseException) return error;
  const message = unwrap(error instanceof Error ? error.message : String(error));
  const code = Number(/^Code: (\d+)\./.exec(message)?.[1] ?? ENGINE_FAULT);
  return new ClickHouseException(
    code,
    message.startsWith('Code: ') ? message : `Code: ${code}. DB::Exception: ${message} (UNKNOWN_EXCEPTION)`,
  );
}

/** The engine repeats the frame of an exception at each layer it passes. */
function unwrap(message: string): string {
  const inner = /^Code: \d+\. DB::Exception: (Code: \d+\. DB::Exception: [^]*) \(version [\d.]+\)\. \(\w+\)$/.exec(
    message,
  )?.[1];
  return inner === undefined ? message : unwrap(inner);
}

const ENGINE_FAULT = 1002;

// The table of src/Server/HTTP/exceptionCodeToHTTPStatus.cpp in ClickHouse.
const STATUS_BY_CODE = new Map<number, number>([
  [194, 401],
  ...[192, 193, 497, 512, 516].map((code) => [code, 403] as const),
  ...[6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168, 223, 321, 376, 427, 441, 675, 676].map(
    (code) => [code, 400] as const,
  ),
  ...[46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511].map((code) => [code, 404] as const),
  [159, 408],
  [229, 413],
  [381, 411],
  [779, 415],
  [48, 501],
  ...[76, 209, 439].map((code) => [code, 503] as const),
]);

/** The HTTP status ClickHouse answers with for a code; 500 for all it does not list. */
function mapCodeToStatus(code: number): number {
  return STATUS_BY_CODE.get(code) ?? 500;
}
