/** How long the tests of this folder look. */
export interface TamperSettings {
  /** Tamperings tried; up to 1,000 by hand. */
  readonly count: number;
  /** Which ones: the same seed tries the same on the same record. */
  readonly seed: number;
}

/** Reads `WEIR_TAMPERINGS` and `WEIR_TAMPER_SEED`. */
export function readTamperSettings(): TamperSettings {
  return {
    count: Number(process.env['WEIR_TAMPERINGS'] ?? 50),
    seed: Number(process.env['WEIR_TAMPER_SEED'] ?? Date.now() % 1_000_000),
  };
}
