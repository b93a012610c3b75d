import { bootstrapService, parseSettings } from '@weir/kit';
import { drainRouter, RouterModule } from './router.module.js';
import { RouterSettings } from './settings.js';

void bootstrapService({
  name: 'router',
  module: RouterModule,
  settings: () => parseSettings(RouterSettings, process.env),
  onDrain: drainRouter,
});
