export type CallerKey =
  { readonly kind: 'key'; readonly key: string } | { readonly kind: 'missing' } | { readonly kind: 'conflicting' };

/** The headers a key may come in, by the length of their names: most headers of a request are passed over on that alone. */
const KEY_HEADERS: Readonly<Record<number, string>> = { 13: 'authorization', 9: 'x-api-key', 7: 'api-key' };

/** Longer texts cannot be keys; they are cut before any work is done on them, and so are not found. */
const KEY_LENGTH_MAX = 512;

function keyIn(name: string, value: string): string {
  if (name !== 'authorization') return value.trim();
  const bearer = /^bearer(?:[ \t]+(.*))?$/i.exec(value.trim());
  // Another scheme is a key that will not be found, not an absent one: the answer then says that it is not valid.
  return (bearer ? (bearer[1] ?? '') : value).trim();
}

/**
 * The key of a request from whichever header carries it. The same key in two headers is one key; two different ones are a
 * conflict, because choosing between them would let a proxy in the way change on whose behalf the call is made.
 *
 * @param rawHeaders names and values in turn, as received: Node's parsed headers silently keep the first of two `Authorization`.
 */
export function findCallerKey(rawHeaders: readonly string[]): CallerKey {
  let found: string | undefined;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const header = rawHeaders[index] ?? '';
    const name = KEY_HEADERS[header.length];
    if (name === undefined || header.toLowerCase() !== name) continue;
    const key = keyIn(name, rawHeaders[index + 1] ?? '');
    if (key === '') continue;
    if (found !== undefined && found !== key) return { kind: 'conflicting' };
    found = key;
  }
  return found === undefined ? { kind: 'missing' } : { kind: 'key', key: found.slice(0, KEY_LENGTH_MAX + 1) };
}
