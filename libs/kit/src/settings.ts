import { z } from 'zod';

/** Settings that cannot be used: `faults` names every one of them, not just the first. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';

  constructor(readonly faults: readonly string[]) {
    super(`The settings are not valid:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  }
}

const Port = z.coerce.number().int().min(0).max(65_535);

/** Environment of every service. Service-specific settings extend this shape; names are those of the environment. */
export const commonSettings = {
  /** Stable name of this process among its siblings, `ingress-0`: a token of NATS subjects. */
  WEIR_SERVICE_ID: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
  WEIR_REGION: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
    .default('local'),
  WEIR_NATS_URL: z.string().min(1),
  WEIR_NATS_USER: z.string().min(1),
  WEIR_NATS_PASSWORD: z.string().min(1),
  WEIR_HEALTH_HOST: z.string().default('127.0.0.1'),
  WEIR_HEALTH_PORT: Port.default(0),
  WEIR_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
  /** Multiplies every interval of the protocol; tests run at a tenth. */
  WEIR_TIME_SCALE: z.coerce.number().positive().max(10).default(1),
} as const;

export const CommonSettings = z.object(commonSettings);
export type CommonSettings = z.infer<typeof CommonSettings>;

/** Parses the environment, or throws {@link SettingsError} with every fault at once. An empty variable counts as absent. */
export function parseSettings<Schema extends z.ZodType>(
  schema: Schema,
  environment: NodeJS.ProcessEnv,
): z.infer<Schema> {
  const present = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const result = schema.safeParse(present);
  if (result.success) return result.data;
  throw new SettingsError(result.error.issues.map((issue) => `${issue.path.join('.') || '(all)'}: ${issue.message}`));
}
