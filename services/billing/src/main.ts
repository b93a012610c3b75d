import { bootstrapService } from '@weir/kit';
import { BillingModule, drainBilling } from './billing.module.js';
import { readSettings } from './settings.js';

await bootstrapService({ name: 'billing', module: BillingModule, settings: readSettings, onDrain: drainBilling });
