import { Controller, Get, Inject, UseGuards } from '@nestjs/common';
import type { ConfigurationStatus } from '../../domain/configuration-status.js';
import { ConfigurationApplier } from '../configuration-file/configuration-applier.js';
import { AdminTokenGuard } from './admin-token.guard.js';

/** What of `weir.yaml` is in force. */
@Controller('admin/v1/configuration')
@UseGuards(AdminTokenGuard)
export class ConfigurationController {
  constructor(@Inject(ConfigurationApplier) private readonly applier: ConfigurationApplier) {}

  @Get()
  status(): ConfigurationStatus {
    return this.applier.status();
  }
}
