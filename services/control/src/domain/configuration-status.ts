import type { PlacedFault } from './parse-configuration.js';

/** What is in force, and what is wrong with the file where an edit was refused. */
export interface ConfigurationStatus {
  readonly file: string;
  /** Milliseconds since the epoch; null before the first configuration was applied. */
  readonly appliedAt: number | null;
  /** Records that the last application changed. */
  readonly changed: number;
  readonly faults: readonly PlacedFault[];
  readonly providersOff: readonly string[];
  readonly isSimulatedOnly: boolean;
}

export function initialStatus(file: string): ConfigurationStatus {
  return { file, appliedAt: null, changed: 0, faults: [], providersOff: [], isSimulatedOnly: true };
}
