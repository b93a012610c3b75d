import { createHash, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { SETTINGS } from '@weir/kit';
import type { ControlSettings } from '../../settings.js';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Lets in who sends the administrator's token; everything else of the admin API is refused. Compared in constant time. */
@Injectable()
export class AdminTokenGuard implements CanActivate {
  private readonly expected: Buffer;

  constructor(@Inject(SETTINGS) settings: ControlSettings) {
    this.expected = digest(`Bearer ${settings.WEIR_ADMIN_TOKEN}`);
  }

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{ headers: Record<string, string | undefined> }>();
    const given = request.headers['authorization'] ?? '';
    if (timingSafeEqual(digest(given), this.expected)) return true;
    throw new UnauthorizedException('send the administrator token of connection.json as "Authorization: Bearer"');
  }
}
