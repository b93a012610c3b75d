import { bootstrapService } from '@weir/kit';
import { drainRouter, RouterModule } from './router.module.js';
import { readSettings } from './settings.js';

await bootstrapService({
  name: 'router',
  module: RouterModule,
  settings: readSettings,
  onDrain: drainRouter,
});
