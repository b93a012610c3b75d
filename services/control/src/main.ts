import { bootstrapService } from '@weir/kit';
import { ControlModule } from './control.module.js';
import { readSettings } from './settings.js';

await bootstrapService({
  name: 'control',
  module: ControlModule,
  settings: readSettings,
  http: (settings) => ({ host: settings.WEIR_HTTP_HOST, port: settings.WEIR_HTTP_PORT }),
});
