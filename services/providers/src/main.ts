import { bootstrapService } from '@weir/kit';
import { drainProviders, ProvidersModule } from './providers.module.js';
import { readSettings } from './settings.js';

await bootstrapService({
  name: 'providers',
  module: ProvidersModule,
  settings: readSettings,
  onDrain: drainProviders,
});
