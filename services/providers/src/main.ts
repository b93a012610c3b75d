import { bootstrapService, parseSettings } from '@weir/kit';
import { drainProviders, ProvidersModule } from './providers.module.js';
import { ProvidersSettings } from './settings.js';

void bootstrapService({
  name: 'providers',
  module: ProvidersModule,
  settings: () => parseSettings(ProvidersSettings, process.env),
  onDrain: drainProviders,
});
