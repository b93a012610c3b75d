import { createHash, createHmac } from 'node:crypto';
import type {
  AliasRecord,
  CatalogRecord,
  Configuration,
  ConfigurationFault,
  CredentialConfiguration,
  Deployment,
  KeyConfiguration,
  KeyId,
  ModelRecord,
  ProviderConfiguration,
  ProviderCredential,
  ProviderRecord,
  SecretReference,
} from '@weir/contracts';
import { hmacKey, parseKey, seal } from '@weir/credentials';
import type { DesiredEntry } from './catalog-entry.js';

/** Where secrets and variables come from; undefined where there is none. */
export interface SecretSource {
  readSecret(reference: SecretReference): string | undefined;
  readVariable(name: string): string | undefined;
}

export interface ResolveOptions {
  readonly secrets: SecretSource;
  readonly pepper: string;
  readonly masterKey: string;
}

export interface ResolvedConfiguration {
  readonly entries: readonly DesiredEntry[];
  readonly faults: readonly ConfigurationFault[];
  /** Providers that are off because none of their credentials is there. */
  readonly providersOff: readonly string[];
  readonly isSimulatedOnly: boolean;
}

type CatalogDocument = CatalogRecord extends infer T ? (T extends unknown ? Omit<T, 'version'> : never) : never;

interface ProviderInForce {
  readonly configuration: ProviderConfiguration;
  readonly index: number;
  readonly credential: ProviderCredential | null;
}

function catalogEntry(kind: string, id: string, document: CatalogDocument): DesiredEntry {
  const fingerprint = createHash('sha256').update(JSON.stringify(document)).digest('base64url');
  return { bucket: 'catalog', kind, id, document, fingerprint };
}

function findCredential(configuration: CredentialConfiguration, secrets: SecretSource): ProviderCredential | undefined {
  if ('apiKey' in configuration) {
    const key = secrets.readSecret(configuration.apiKey);
    return key === undefined ? undefined : { type: 'api-key', key };
  }
  if ('bearer' in configuration) {
    const token = secrets.readSecret(configuration.bearer);
    return token === undefined ? undefined : { type: 'bearer', token };
  }
  const accessKeyId = secrets.readSecret(configuration.aws.accessKeyId);
  const secretAccessKey = secrets.readSecret(configuration.aws.secretAccessKey);
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  const sessionToken = configuration.aws.sessionToken
    ? (secrets.readSecret(configuration.aws.sessionToken) ?? null)
    : null;
  return { type: 'aws', accessKeyId, secretAccessKey, sessionToken };
}

function providersInForce(configuration: Configuration, secrets: SecretSource): ProviderInForce[] {
  return configuration.providers.flatMap((provider, index): ProviderInForce[] => {
    if (provider.credentials.length === 0) return [{ configuration: provider, index, credential: null }];
    for (const candidate of provider.credentials) {
      const credential = findCredential(candidate, secrets);
      if (credential) return [{ configuration: provider, index, credential }];
    }
    return [];
  });
}

type Faults = ConfigurationFault[];

/** Puts variables into a base URL and checks that the result is one. */
function resolveEndpoint(
  text: string,
  path: readonly (string | number)[],
  secrets: SecretSource,
  faults: Faults,
): string | undefined {
  const missing: string[] = [];
  const url = text.replace(/\$\{([A-Z][A-Z0-9_]*)\}/g, (_, name: string) => {
    const value = secrets.readVariable(name);
    if (value === undefined) missing.push(name);
    return value ?? '';
  });
  if (missing.length > 0) {
    faults.push({
      path,
      message: `the environment variable ${missing.join(', ')} is not set; set it or write the URL out`,
    });
    return undefined;
  }
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    faults.push({ path, message: `"${url}" is not an http or https URL` });
    return undefined;
  }
  return url.replace(/\/+$/, '');
}

function mapProvider(
  provider: ProviderInForce,
  secrets: SecretSource,
  faults: Faults,
): Omit<ProviderRecord, 'version'> {
  const { id, simulated, awsRegion, timeouts, connectionsMax, allowPrivate } = provider.configuration;
  const endpoints = Object.fromEntries(
    Object.entries(provider.configuration.endpoints).flatMap(([adapter, text]) => {
      const url = resolveEndpoint(text, ['providers', provider.index, 'endpoints', adapter], secrets, faults);
      return url === undefined ? [] : [[adapter, url]];
    }),
  );
  return { kind: 'provider', id, simulated, endpoints, awsRegion, timeouts, connectionsMax, allowPrivate };
}

/** A credential sealed once for each origin of its provider, so that it opens nowhere else. */
function credentialEntries(
  provider: ProviderInForce,
  record: Omit<ProviderRecord, 'version'>,
  masterKey: string,
): DesiredEntry[] {
  const { credential } = provider;
  if (!credential) return [];
  const origins = [...new Set(Object.values(record.endpoints).map((url) => new URL(url).origin))];
  return origins.map((origin) => {
    const plaintext = JSON.stringify(credential);
    const boundTo = `${record.id}|${origin}`;
    const fingerprint = createHmac('sha256', masterKey).update(`${boundTo}\n${plaintext}`).digest('base64url');
    const document = {
      kind: 'credential' as const,
      providerId: record.id,
      origin,
      sealed: seal(plaintext, masterKey, boundTo),
    };
    return { bucket: 'credentials' as const, kind: 'credential', id: boundTo, document, fingerprint };
  });
}

function mapModels(configuration: Configuration, isOn: ReadonlySet<string>): Omit<ModelRecord, 'version'>[] {
  return configuration.models.flatMap((model) => {
    const deployments = model.deployments
      .filter((deployment) => isOn.has(deployment.provider))
      .map((deployment): Deployment => {
        const { model: upstreamModel, capabilities, ...rest } = deployment;
        const id = [deployment.provider, deployment.adapter, upstreamModel, deployment.region].join('/');
        const defaults = { samplingAccepted: true, reasoning: 'none', images: true, tools: true } as const;
        const given = Object.fromEntries(Object.entries(capabilities).filter(([, value]) => value !== undefined));
        return { ...rest, id, upstreamModel, capabilities: { ...defaults, ...given } };
      });
    if (deployments.length === 0) return [];
    return [
      {
        kind: 'model' as const,
        name: model.name,
        displayName: model.displayName ?? model.name,
        createdAt: Date.parse(model.createdAt),
        deployments,
      },
    ];
  });
}

function mapAliases(
  configuration: Configuration,
  models: ReadonlySet<string>,
  isSimulatedOnly: boolean,
): Omit<AliasRecord, 'version'>[] {
  return configuration.aliases
    .filter((alias) => models.has(alias.model) && (isSimulatedOnly || !alias.onlyWhileSimulated))
    .map((alias) => ({ kind: 'alias', pattern: alias.name, model: alias.model }));
}

interface KeyContext {
  readonly organisationId: string;
  readonly options: ResolveOptions;
  readonly faults: Faults;
}

function mapKey(key: KeyConfiguration, index: number, { organisationId, options, faults }: KeyContext): DesiredEntry[] {
  const path = ['keys', index, 'secret'] as const;
  const text = options.secrets.readSecret(key.secret)?.trim();
  const source = 'env' in key.secret ? `the environment variable ${key.secret.env}` : `the file ${key.secret.file}`;
  if (text === undefined) {
    faults.push({ path, message: `${source} is not there; put the whole key into it` });
    return [];
  }
  const parsed = parseKey(text);
  if (!parsed) {
    faults.push({ path, message: `${source} does not hold a Weir key (sk-weir-<id>-<secret><checksum>)` });
    return [];
  }
  return [
    catalogEntry('key', parsed.id, {
      kind: 'key',
      id: parsed.id as KeyId,
      hmac: hmacKey(text, options.pepper),
      organisationId,
      teamId: key.team,
      personId: key.person,
      name: key.name,
      state: key.state,
      expiresAt: key.expiresAt === null ? null : Date.parse(key.expiresAt),
      models: key.models,
      ipAllow: key.ipAllow,
    }),
  ];
}

function peopleEntries(configuration: Configuration): DesiredEntry[] {
  const { organisation } = configuration;
  return [
    catalogEntry('organisation', organisation.id, { kind: 'organisation', ...organisation }),
    ...configuration.teams.map((team) =>
      catalogEntry('team', team.id, { kind: 'team', organisationId: organisation.id, ...team }),
    ),
    ...configuration.people.map(({ id, name, email, team }) =>
      catalogEntry('person', id, { kind: 'person', id, organisationId: organisation.id, teamId: team, name, email }),
    ),
  ];
}

/** Turns a checked configuration into the records the data plane reads. A provider without its credentials is off, and its deployments with it. */
export function resolveConfiguration(configuration: Configuration, options: ResolveOptions): ResolvedConfiguration {
  const faults: Faults = [];
  const inForce = providersInForce(configuration, options.secrets);
  const isSimulatedOnly = inForce.every((provider) => provider.configuration.simulated);
  const isOn = new Set<string>(inForce.map((provider) => provider.configuration.id));
  const models = mapModels(configuration, isOn);
  const aliases = mapAliases(configuration, new Set(models.map((model) => model.name)), isSimulatedOnly);
  const entries = [
    ...peopleEntries(configuration),
    ...configuration.keys.flatMap((key, index) =>
      mapKey(key, index, { organisationId: configuration.organisation.id, options, faults }),
    ),
    ...inForce.flatMap((provider) => {
      const record = mapProvider(provider, options.secrets, faults);
      return [catalogEntry('provider', record.id, record), ...credentialEntries(provider, record, options.masterKey)];
    }),
    ...models.map((model) => catalogEntry('model', model.name, model)),
    ...aliases.map((alias) => catalogEntry('alias', alias.pattern, alias)),
  ];
  const providersOff = configuration.providers.map((provider) => provider.id).filter((id) => !isOn.has(id));
  return { entries, faults, providersOff, isSimulatedOnly };
}
