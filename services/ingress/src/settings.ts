import { readFileSync } from 'node:fs';
import { commonSettings, isLoopback, parseSettings } from '@weir/kit';
import { z } from 'zod';

const MEBIBYTE = 1024 * 1024;

/** A file named in the environment, read at start: a certificate that cannot be read is a fault of the settings like any other. */
const FileContent = z.string().transform((path, context) => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    context.addIssue({
      code: 'custom',
      message: `cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    });
    return z.NEVER;
  }
});

export const IngressSettings = z
  .object({
    ...commonSettings,
    WEIR_HTTP_HOST: z.string().default('127.0.0.1'),
    WEIR_HTTP_PORT: z.coerce.number().int().min(0).max(65_535).default(8_080),
    /** Certificate chain and key, PEM files; needed to listen anywhere but on the loopback. */
    WEIR_TLS_CERTIFICATE_FILE: FileContent.optional(),
    WEIR_TLS_KEY_FILE: FileContent.optional(),
    /** Holds the folder of this process's journal, which is its identity as a producer of events, and those of its siblings. */
    WEIR_JOURNAL_DIR: z.string().min(1),
    /** Bytes of events not yet landed above which no call is admitted. */
    WEIR_JOURNAL_HIGH_WATER_BYTES: z.coerce
      .number()
      .int()
      .positive()
      .default(1_024 * MEBIBYTE),
    /** The journal forgets what has landed by whole segments of this size. */
    WEIR_JOURNAL_SEGMENT_BYTES: z.coerce
      .number()
      .int()
      .positive()
      .default(16 * MEBIBYTE),
    /** Secret under which keys are stored; the same as control's. */
    WEIR_KEY_PEPPER: z.string().min(16, 'at least 16 characters'),
    /** Request bodies held in memory at once, all calls together. */
    WEIR_BODIES_BYTES_MAX: z.coerce
      .number()
      .int()
      .min(64 * MEBIBYTE)
      .default(512 * MEBIBYTE),
    /** A request body of which nothing arrives for this long ends with 408. */
    WEIR_BODY_STALL_MS: z.coerce.number().int().min(100).default(30_000),
    /** A client that reads nothing of its answer for this long is cut off. */
    WEIR_CLIENT_STALL_MS: z.coerce.number().int().min(100).default(600_000),
  })
  .refine(
    (settings) => (settings.WEIR_TLS_CERTIFICATE_FILE === undefined) === (settings.WEIR_TLS_KEY_FILE === undefined),
    {
      path: ['WEIR_TLS_KEY_FILE'],
      message: 'certificate and key are given together or not at all',
    },
  )
  .refine((settings) => settings.WEIR_JOURNAL_HIGH_WATER_BYTES >= 2 * settings.WEIR_JOURNAL_SEGMENT_BYTES, {
    path: ['WEIR_JOURNAL_HIGH_WATER_BYTES'],
    message: 'at least twice WEIR_JOURNAL_SEGMENT_BYTES, or a journal that has landed could stay full',
  })
  .refine((settings) => isLoopback(settings.WEIR_HTTP_HOST) || settings.WEIR_TLS_CERTIFICATE_FILE !== undefined, {
    path: ['WEIR_HTTP_HOST'],
    message: 'leaving the loopback needs TLS: set WEIR_TLS_CERTIFICATE_FILE and WEIR_TLS_KEY_FILE',
  });
export type IngressSettings = z.infer<typeof IngressSettings>;

export function readSettings(): IngressSettings {
  return parseSettings(IngressSettings, process.env);
}
