import type { IncomingHeaders } from './routes.js';

const LENGTH_MAX = 128;
const UNKNOWN_APPLICATION = 'unknown';

function clean(text: string): string {
  // Records are read in terminals and browsers: letters, digits and harmless punctuation of any script, nothing that controls.
  return text
    .replace(/[^\p{L}\p{N} ._/@:+()-]/gu, '')
    .trim()
    .slice(0, LENGTH_MAX);
}

function first(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

/**
 * Which program makes the call, for the record: what it says in `x-weir-application`, else the product of its user agent
 * without the version (`claude-cli/2.1 (external)` is `claude-cli`). A claim of the client, never used to decide anything.
 */
export function applicationOf(headers: IncomingHeaders): string {
  const claimed = clean(first(headers['x-weir-application']));
  if (claimed !== '') return claimed;
  const product = first(headers['user-agent']).trim().split(/\s/, 1)[0] ?? '';
  return clean(product.replace(/\/v?\d.*$/, '')) || UNKNOWN_APPLICATION;
}
