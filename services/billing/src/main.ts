import { INVOICE_TYPES } from '@weir/contracts';
import { bootstrapService } from '@weir/kit';
import { BillingModule, drainBilling } from './billing.module.js';
import { readSettings } from './settings.js';

/** A published list of prices comes in one piece; an invoice is read as it comes, however long it is. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;

await bootstrapService({
  name: 'billing',
  module: BillingModule,
  settings: readSettings,
  http: (settings) => ({
    host: settings.WEIR_HTTP_HOST,
    port: settings.WEIR_HTTP_PORT,
    server: { bodyLimit: BODY_BYTES_MAX },
    configure: (fastify) => {
      fastify.addContentTypeParser(Object.values(INVOICE_TYPES), (_request, payload, done) => {
        done(null, payload);
      });
    },
  }),
  onDrain: drainBilling,
});
