import { randomBytes } from 'node:crypto';
import { SERVICE_NAMES } from './parts.js';

/** Everything secret of one home, made once and kept in `<home>/secrets.json` (0600). */
export interface Secrets {
  readonly natsPasswords: Readonly<Record<string, string>>;
  readonly natsAdminPassword: string;
  readonly postgresPassword: string;
  readonly clickhouseWriterPassword: string;
  readonly clickhouseReaderPassword: string;
  readonly keyPepper: string;
  readonly masterKey: string;
  readonly adminToken: string;
  /** For billing's own administration: whoever may configure need not be whoever may close a month. */
  readonly billingToken: string;
  readonly gatewayKey: string;
}

/** 256 random bits, safe in a URL and in a shell. */
function makeSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** The full set, keeping what a home already has: a newer Weir adds secrets, it never replaces one. */
export function completeSecrets(known: Partial<Secrets>, makeGatewayKey: () => string): Secrets {
  const natsPasswords = { ...known.natsPasswords };
  for (const name of SERVICE_NAMES) natsPasswords[name] ??= makeSecret();
  return {
    natsPasswords,
    natsAdminPassword: known.natsAdminPassword ?? makeSecret(),
    postgresPassword: known.postgresPassword ?? makeSecret(),
    clickhouseWriterPassword: known.clickhouseWriterPassword ?? makeSecret(),
    clickhouseReaderPassword: known.clickhouseReaderPassword ?? makeSecret(),
    keyPepper: known.keyPepper ?? makeSecret(),
    masterKey: known.masterKey ?? makeSecret(),
    adminToken: known.adminToken ?? makeSecret(),
    billingToken: known.billingToken ?? makeSecret(),
    gatewayKey: known.gatewayKey ?? makeGatewayKey(),
  };
}
