import { ProviderCredential, type CredentialRecord } from '@weir/contracts';
import { open, UnsealError } from '@weir/credentials';

/** A provider's credential that cannot be used here. The reason names no secret. */
export class CredentialError extends Error {
  override readonly name = 'CredentialError';
}

/** Opens sealed credentials, and gives one out only for the origin it was sealed for. */
export class ProviderCredentials {
  private readonly opened = new Map<string, { readonly sealed: string; readonly credential: ProviderCredential }>();

  constructor(
    private readonly find: (providerId: string) => CredentialRecord | undefined,
    private readonly masterKey: string,
  ) {}

  /**
   * The credential for requests to `origin`, or undefined where the provider wants none.
   * @throws CredentialError: sealed for another origin or under another master key, or not a credential.
   */
  get(providerId: string, origin: string): ProviderCredential | undefined {
    const record = this.find(providerId);
    if (!record) return undefined;
    // A credential must never follow an endpoint that was moved elsewhere.
    if (record.origin !== origin)
      throw new CredentialError(`the credential of ${providerId} belongs to another origin`);
    const cached = this.opened.get(providerId);
    if (cached?.sealed === record.sealed) return cached.credential;
    const credential = this.openRecord(record);
    this.opened.set(providerId, { sealed: record.sealed, credential });
    return credential;
  }

  private openRecord(record: CredentialRecord): ProviderCredential {
    try {
      const text = open(record.sealed, this.masterKey, `${record.providerId}|${record.origin}`);
      return ProviderCredential.parse(JSON.parse(text));
    } catch (error) {
      // The parser's message could quote what it parsed.
      const why = error instanceof UnsealError ? error.message : 'it is not a credential';
      throw new CredentialError(`the credential of ${record.providerId} cannot be used: ${why}`);
    }
  }
}
