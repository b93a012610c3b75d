import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { commonSettings, parseSettings } from '@weir/kit';
import type { SecretReference } from '@weir/contracts';
import { z } from 'zod';

const ControlSettings = z.object({
  ...commonSettings,
  WEIR_POSTGRES_URL: z.string().min(1),
  WEIR_CONFIG_FILE: z.string().min(1),
  WEIR_MASTER_KEY: z.string().min(32, 'at least 32 characters'),
  WEIR_KEY_PEPPER: z.string().min(32, 'at least 32 characters'),
  WEIR_ADMIN_TOKEN: z.string().min(16, 'at least 16 characters'),
  WEIR_HTTP_HOST: z.string().default('127.0.0.1'),
  WEIR_HTTP_PORT: z.coerce.number().int().min(0).max(65_535),
});
export type ControlSettings = z.infer<typeof ControlSettings>;

export function readSettings(): ControlSettings {
  return parseSettings(ControlSettings, process.env);
}

/** A variable that `weir.yaml` names; an empty one counts as absent. */
export function readVariable(name: string): string | undefined {
  const value = process.env[name];
  return value === undefined || value === '' ? undefined : value;
}

/** A secret that `weir.yaml` refers to: a variable, or a file relative to `weir.yaml`. Undefined where there is none. */
export function readSecret(reference: SecretReference, configurationFile: string): string | undefined {
  if ('env' in reference) return readVariable(reference.env);
  try {
    const text = readFileSync(resolve(dirname(configurationFile), reference.file), 'utf8').trim();
    return text === '' ? undefined : text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
