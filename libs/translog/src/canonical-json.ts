/**
 * JSON in the one form that RFC 8785 gives each value: members sorted by their names' UTF-16 units, no white space, numbers and strings
 * as ECMAScript writes them. For leaves that a log forms itself; a producer's leaf is what it wrote, byte for byte.
 *
 * @throws TypeError for what JSON cannot hold exactly: a number that is not finite, half a surrogate pair, undefined, a function, a bigint.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`JSON has no ${value}`);
    return JSON.stringify(value);
  }
  if (typeof value !== 'object') throw new TypeError(`JSON has no ${typeof value}`);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${quote(name)}:${canonicalJson(member)}`).join(',')}}`;
}

function quote(text: string): string {
  if (/\p{Cs}/u.test(text)) throw new TypeError('half a surrogate pair has no UTF-8');
  return JSON.stringify(text);
}
