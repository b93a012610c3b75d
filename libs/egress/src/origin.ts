import { EgressError } from './egress-error.js';

/**
 * Reads the URL of an upstream and returns it parsed. The WHATWG parser has by then turned decimal, octal, hexadecimal and short
 * forms of IPv4 into dotted form, so that what is judged is what is connected to.
 * @throws EgressError `invalid_url`: another scheme than http(s), user info, an empty host, or a host with a trailing dot
 * (a second spelling of a name, which would escape whatever is bound to the first).
 */
export function parseUpstreamUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new EgressError('invalid_url', 'the URL of the upstream cannot be read', { cause });
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new EgressError('invalid_url', `scheme ${url.protocol} is not http or https`);
  }
  if (url.username || url.password) throw new EgressError('invalid_url', `${url.host}: user info in a URL`);
  if (url.hostname === '' || url.hostname.endsWith('.')) {
    throw new EgressError('invalid_url', `${url.host}: a host may not end in a dot`);
  }
  return url;
}

/** The host of a URL as a socket wants it: IPv6 without its brackets. */
export function socketHost(url: URL): string {
  return url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
}
