import { z } from 'zod';
import { Capabilities } from '../catalog/records.js';
import { Adapter } from '../dialect.js';
import { SubjectToken } from '../ids.js';

const Id = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'lower-case letters, digits, dots, dashes and underscores, 63 at most');
const Name = z.string().min(1).max(200);

/** A secret that stays out of the file: the environment variable that holds it, or a file beside `weir.yaml`. */
export const SecretReference = z.union([
  z.strictObject({
    env: z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'the name of an environment variable, such as OPENAI_API_KEY'),
  }),
  z.strictObject({ file: z.string().min(1) }),
]);
export type SecretReference = z.infer<typeof SecretReference>;

/** How Weir signs in at a provider. The first entry whose secrets are all there is used; with none, the provider is off. */
export const CredentialConfiguration = z.union([
  z.strictObject({ apiKey: SecretReference }),
  z.strictObject({ bearer: SecretReference }),
  z.strictObject({
    aws: z.strictObject({
      accessKeyId: SecretReference,
      secretAccessKey: SecretReference,
      sessionToken: SecretReference.optional(),
    }),
  }),
]);
export type CredentialConfiguration = z.infer<typeof CredentialConfiguration>;

const Milliseconds = z.int().min(1).max(3_600_000);

export const TimeoutsConfiguration = z.strictObject({
  connectMs: Milliseconds.default(5_000),
  firstTokenMs: Milliseconds.default(120_000),
  betweenTokensMs: Milliseconds.default(60_000),
  totalMs: Milliseconds.default(900_000),
});

export const ProviderConfiguration = z.strictObject({
  id: SubjectToken.describe('Name in the record and on the bus.'),
  simulated: z.boolean().default(false).describe('Answers are made up: every page and the record say so.'),
  endpoints: z
    .partialRecord(Adapter, z.string().min(1))
    .describe('Base URL for each wire protocol it speaks. ${NAME} stands for an environment variable.'),
  awsRegion: z.string().nullable().default(null),
  credentials: z
    .array(CredentialConfiguration)
    .default([])
    .describe('Empty: the provider wants none and is always on.'),
  timeouts: TimeoutsConfiguration.prefault({}),
  connectionsMax: z.int().min(1).max(4_096).default(256),
  allowPrivate: z
    .array(z.union([z.cidrv4(), z.cidrv6()]))
    .default([])
    .describe('Private ranges this provider may live in; without an entry only global addresses are reached.'),
});
export type ProviderConfiguration = z.infer<typeof ProviderConfiguration>;

export const DeploymentConfiguration = z.strictObject({
  provider: SubjectToken,
  adapter: Adapter,
  model: z.string().min(1).describe('Name of the model at the provider.'),
  region: SubjectToken.default('local'),
  priority: z
    .int()
    .min(0)
    .max(99)
    .default(0)
    .describe('Lower is tried first; the next only where the one before fails.'),
  weight: z.int().min(0).max(1_000).default(1).describe('Share of the calls within one priority.'),
  price: z.string().min(1).describe('Key in the price book.'),
  contextWindow: z.int().min(1),
  maxOutputTokens: z.int().min(1),
  capabilities: Capabilities.partial().prefault({}),
});
export type DeploymentConfiguration = z.infer<typeof DeploymentConfiguration>;

export const ModelConfiguration = z.strictObject({
  name: z.string().min(1).max(200),
  displayName: Name.optional(),
  createdAt: z.iso.date().default('2026-01-01').describe('Shown in lists of models.'),
  deployments: z.array(DeploymentConfiguration).min(1),
});
export type ModelConfiguration = z.infer<typeof ModelConfiguration>;

export const AliasConfiguration = z.strictObject({
  name: z.string().regex(/^[^*]+\*?$/, 'a name, or a beginning followed by one *'),
  model: z.string().min(1),
  onlyWhileSimulated: z.boolean().default(false).describe('In force only while no real provider is switched on.'),
});

export const KeyConfiguration = z.strictObject({
  name: Name,
  secret: SecretReference.describe('Where the whole key, sk-weir-…, is read from; only its HMAC is stored.'),
  team: Id,
  person: Id.nullable().default(null),
  state: z.enum(['active', 'blocked', 'revoked']).default('active'),
  expiresAt: z.iso.datetime({ offset: true }).nullable().default(null),
  models: z.array(z.string()).nullable().default(null).describe('Models it may call; null means all.'),
  ipAllow: z
    .array(z.string())
    .nullable()
    .default(null)
    .describe('Addresses or CIDR ranges it may call from; null means any.'),
});
export type KeyConfiguration = z.infer<typeof KeyConfiguration>;

/** The schema of `weir.yaml`. Unknown fields are errors, so that a typing mistake is never silently ignored. */
export const Configuration = z.strictObject({
  version: z.literal(1),
  organisation: z.strictObject({ id: Id, name: Name }),
  teams: z.array(z.strictObject({ id: Id, name: Name })).min(1),
  people: z
    .array(z.strictObject({ id: Id, name: Name, team: Id, email: z.email().nullable().default(null) }))
    .default([]),
  keys: z.array(KeyConfiguration).default([]),
  providers: z.array(ProviderConfiguration).min(1),
  models: z.array(ModelConfiguration).min(1),
  aliases: z.array(AliasConfiguration).default([]),
});
export type Configuration = z.infer<typeof Configuration>;

/** A fault in a configuration at its place in the document, as a path of field names and indexes. */
export interface ConfigurationFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** The JSON schema (draft 2020-12) of `weir.yaml`, for editors. */
export function configurationJsonSchema(): object {
  return z.toJSONSchema(Configuration, { io: 'input' });
}
