import { bootstrapService } from '@weir/kit';
import { drain } from './adapters/http/drain.js';
import { httpOptions } from './adapters/http/http-options.js';
import { IngressModule } from './ingress.module.js';
import { readSettings } from './settings.js';

await bootstrapService({
  name: 'ingress',
  module: IngressModule,
  settings: readSettings,
  http: httpOptions,
  onDrain: drain,
});
