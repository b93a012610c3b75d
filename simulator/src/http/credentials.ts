import { RequestFault } from '../domain/request-fault.js';
import type { Exchange } from './exchange.js';

/** The one credential that is refused, so that a wrong key can be tried. Any other is as good as another. */
const refusedCredential = 'invalid';

export function bearerToken(exchange: Exchange): string | undefined {
  return /^Bearer\s+(\S+)$/i.exec(exchange.header('authorization') ?? '')?.[1];
}

export function refuseInvalid(credential: string, message: string): string {
  if (credential === refusedCredential) throw new RequestFault(401, message);
  return credential;
}
