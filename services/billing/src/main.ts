import { bootstrapService } from '@weir/kit';
import { BillingModule, drainBilling } from './billing.module.js';
import { readSettings } from './settings.js';

/** A provider's invoice of a month comes in one piece. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;

await bootstrapService({
  name: 'billing',
  module: BillingModule,
  settings: readSettings,
  http: (settings) => ({
    host: settings.WEIR_HTTP_HOST,
    port: settings.WEIR_HTTP_PORT,
    server: { bodyLimit: BODY_BYTES_MAX },
  }),
  onDrain: drainBilling,
});
