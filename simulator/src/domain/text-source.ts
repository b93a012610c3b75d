/** Text that is made as it is sent, so that an answer of any size is never held in memory. */
export interface TextSource {
  /** UTF-8 length of all pieces together. */
  readonly bytes: number;
  /** The pieces, each one chunk of a stream. May be walked more than once. */
  pieces(): Iterable<string>;
  /** The same pieces cut at `bytesMax`, at a character boundary. */
  truncated(bytesMax: number): TextSource;
}

const literalPieceCharacters = 12;
const fillerPieceBytes = 8 * 1024;
const fillerLine = 'All work and no play makes a simulator a dull model; it goes on, and on, and on. ';
const fillerBlock = fillerLine.repeat(Math.ceil((64 * 1024) / fillerLine.length));

/** `text` in `chunks` pieces of near equal length; fewer where it has fewer characters. */
export function literalText(text: string, chunks?: number): TextSource {
  const characters = Array.from(text);
  const size =
    chunks === undefined ? literalPieceCharacters : Math.max(1, Math.ceil(characters.length / Math.max(1, chunks)));
  return literalOf(characters, size, chunks);
}

function literalOf(characters: readonly string[], size: number, chunks: number | undefined): TextSource {
  return {
    bytes: Buffer.byteLength(characters.join('')),
    *pieces() {
      const count = chunks === undefined ? Math.ceil(characters.length / size) : Math.min(chunks, characters.length);
      for (let index = 0; index < count; index += 1) {
        const start = chunks === undefined ? index * size : Math.floor((index * characters.length) / count);
        const end = chunks === undefined ? start + size : Math.floor(((index + 1) * characters.length) / count);
        yield characters.slice(start, end).join('');
      }
    },
    truncated: (bytesMax) => literalOf(headOf(characters, bytesMax), size, chunks),
  };
}

function headOf(characters: readonly string[], bytesMax: number): readonly string[] {
  let bytes = 0;
  const end = characters.findIndex((character) => (bytes += Buffer.byteLength(character)) > bytesMax);
  return end === -1 ? characters : characters.slice(0, end);
}

/** `count` pieces of four bytes, one token each: the piece's number in base 36, so that a lost or reordered one shows. */
export function numberedText(count: number): TextSource {
  const pieceAt = (index: number): string => `${(index % 46_656).toString(36).padStart(3, '0')} `;
  return asciiText(count * 4, 4, (start, length) => pieceAt(start / 4).slice(0, length));
}

/** `bytes` of ASCII in pieces of 8 KiB, or in `chunks` pieces. */
export function fillerText(bytes: number, chunks?: number): TextSource {
  const pieceBytes = chunks === undefined ? fillerPieceBytes : Math.max(1, Math.ceil(bytes / Math.max(1, chunks)));
  return asciiText(bytes, pieceBytes, fillerSlice);
}

function fillerSlice(start: number, length: number): string {
  const offset = start % fillerLine.length;
  if (offset + length <= fillerBlock.length) return fillerBlock.slice(offset, offset + length);
  return fillerLine.repeat(Math.ceil((offset + length) / fillerLine.length)).slice(offset, offset + length);
}

function asciiText(bytes: number, pieceBytes: number, slice: (start: number, length: number) => string): TextSource {
  return {
    bytes,
    *pieces() {
      for (let start = 0; start < bytes; start += pieceBytes) yield slice(start, Math.min(pieceBytes, bytes - start));
    },
    truncated: (bytesMax) => asciiText(Math.min(bytes, bytesMax), pieceBytes, slice),
  };
}
