/** A row as it was sent: texts by column, null where the cell says so. */
export type LandedRow = Readonly<Record<string, string | null>>;

/** The event that a row came from: `producer:epoch:sequence`. */
export const originOf = (row: LandedRow): string =>
  `${row['producer_id'] ?? ''}:${row['epoch'] ?? ''}:${row['sequence'] ?? ''}`;

/** What a row is about: its event and, where an event has several, its line. */
export const placeOf = (row: LandedRow): string =>
  row['line'] === undefined ? originOf(row) : `${originOf(row)} ${row['line'] ?? ''}`;

const ESCAPED: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', '0': '\0', b: '\b', f: '\f' };

/** Reads a line of the format `TabSeparated`. */
export function readLine(columns: readonly string[], line: string): LandedRow {
  const cells = line.split('\t');
  if (cells.length !== columns.length) throw new Error(`a row of ${cells.length} cells for ${columns.length} columns`);
  return Object.fromEntries(
    columns.map((column, index) => {
      const cell = cells[index] ?? '';
      if (cell === '\\N') return [column, null];
      return [column, cell.includes('\\') ? cell.replace(/\\(.)/g, (_, mark: string) => ESCAPED[mark] ?? mark) : cell];
    }),
  );
}
