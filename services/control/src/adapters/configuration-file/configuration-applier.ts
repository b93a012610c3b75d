import type { Clock, Logger } from '@weir/kit';
import type { SecretReference } from '@weir/contracts';
import { initialStatus, type ConfigurationStatus } from '../../domain/configuration-status.js';
import {
  formatFault,
  parseConfiguration,
  type ParsedConfiguration,
  type PlacedFault,
} from '../../domain/parse-configuration.js';
import { resolveConfiguration, type ResolvedConfiguration } from '../../domain/resolve-configuration.js';
import { readSecret, readVariable, type ControlSettings } from '../../settings.js';
import type { CatalogStore } from '../store/catalog.store.js';

export interface ApplierOptions {
  readonly settings: ControlSettings;
  readonly store: CatalogStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Applies the text of `weir.yaml`, all of it or nothing: a text with a fault leaves what is in force as it is and is reported with its lines. */
export class ConfigurationApplier {
  private current: ConfigurationStatus;

  constructor(private readonly options: ApplierOptions) {
    this.current = initialStatus(options.settings.WEIR_CONFIG_FILE);
  }

  status(): ConfigurationStatus {
    return this.current;
  }

  /** Throws where Postgres cannot be written; the watcher then offers the same text again. */
  async apply(text: string): Promise<void> {
    const parsed = parseConfiguration(text);
    if (!parsed.ok) {
      this.refuse(parsed.faults);
      return;
    }
    const resolved = this.resolve(parsed);
    if (resolved.faults.length > 0) {
      this.refuse(resolved.faults.map(parsed.locate));
      return;
    }
    const changed = await this.options.store.apply(resolved.entries);
    const { providersOff, isSimulatedOnly } = resolved;
    this.current = {
      ...this.current,
      appliedAt: this.options.clock.now(),
      changed,
      faults: [],
      providersOff,
      isSimulatedOnly,
    };
    this.options.logger.info({ changed, providersOff, isSimulatedOnly }, 'configuration applied');
  }

  private resolve(parsed: Extract<ParsedConfiguration, { ok: true }>): ResolvedConfiguration {
    const { WEIR_CONFIG_FILE: file, WEIR_KEY_PEPPER: pepper, WEIR_MASTER_KEY: masterKey } = this.options.settings;
    const secrets = { readVariable, readSecret: (reference: SecretReference) => readSecret(reference, file) };
    return resolveConfiguration(parsed.configuration, { secrets, pepper, masterKey });
  }

  private refuse(faults: readonly PlacedFault[]): void {
    this.current = { ...this.current, faults };
    for (const fault of faults) this.options.logger.error({ fault }, formatFault(this.current.file, fault));
  }
}
