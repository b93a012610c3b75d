import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import { buildConnector } from 'undici';
import { judgeAddress, type AddressRanges } from './address.js';
import { EgressError } from './egress-error.js';

/** Resolves a name to all its addresses; `dns.lookup` unless a test gives another. */
export type Resolve = (
  host: string,
  callback: (error: Error | null, addresses: readonly LookupAddress[]) => void,
) => void;

export const systemResolve: Resolve = (host, callback) =>
  systemLookup(host, { all: true, verbatim: true }, (error, addresses) => callback(error, error ? [] : addresses));

export interface ConnectorOptions {
  readonly allowPrivate: AddressRanges;
  readonly connectTimeoutMs: number;
  readonly resolve: Resolve;
  /** Certificate authorities in PEM in place of the system's. */
  readonly ca?: string;
}

function check(address: string, host: string, isSecure: boolean, allowPrivate: AddressRanges): EgressError | null {
  const verdict = judgeAddress(address, allowPrivate);
  if (!verdict.allowed) {
    return new EgressError('address_not_allowed', `${host} leads to an address of range ${verdict.range}`);
  }
  if (!isSecure && !verdict.isPrivate) {
    return new EgressError('insecure_scheme', `${host}: plain http is for addresses that are explicitly allowed`);
  }
  return null;
}

type SocketLookup = (
  host: string,
  options: { readonly all?: boolean; readonly family?: number | string },
  callback: (error: Error | null, address?: string | LookupAddress[], family?: number) => void,
) => void;

/**
 * A lookup for sockets that resolves once, judges every address it got and hands exactly those to the socket: between
 * check and connect there is no second question to a name server that could be answered differently (DNS rebinding).
 * One forbidden address among several refuses the host.
 */
function guardedLookup(options: ConnectorOptions, isSecure: boolean): SocketLookup {
  return (host, { all }, callback) => {
    options.resolve(host, (error, addresses) => {
      if (error) return callback(error);
      for (const { address } of addresses) {
        const refused = check(address, host, isSecure, options.allowPrivate);
        if (refused) return callback(refused);
      }
      const first = addresses[0];
      if (!first) return callback(new EgressError('unreachable', `${host} has no address`));
      if (all) callback(null, [...addresses]);
      else callback(null, first.address, first.family);
    });
  };
}

/**
 * The connector of one origin. The name stays in SNI, certificate check and `Host`; the socket goes to a judged address,
 * several of them being tried as RFC 8305 says (`autoSelectFamily`).
 */
export function guardedConnector(options: ConnectorOptions, isSecure: boolean): buildConnector.connector {
  const connect = buildConnector({
    timeout: options.connectTimeoutMs,
    allowH2: false,
    autoSelectFamily: true,
    lookup: guardedLookup(options, isSecure) as never,
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  });
  return (target, callback) => {
    // Sockets do not look literal addresses up, so the lookup above never sees them.
    if (isIP(target.hostname) !== 0) {
      const refused = check(target.hostname, target.hostname, isSecure, options.allowPrivate);
      if (refused) return callback(refused, null);
    }
    return connect(target, callback);
  };
}
