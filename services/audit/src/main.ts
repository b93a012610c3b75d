import { bootstrapService } from '@weir/kit';
import { AuditModule, drainAudit } from './audit.module.js';
import { readSettings } from './settings.js';

await bootstrapService({ name: 'audit', module: AuditModule, settings: readSettings, onDrain: drainAudit });
