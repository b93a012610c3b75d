import { createHash, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { SETTINGS } from '@weir/kit';
import type { BillingSettings } from '../../settings.js';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Lets in who sends billing's token; everything else is refused. Compared in constant time. */
@Injectable()
export class BillingTokenGuard implements CanActivate {
  private readonly expected: Buffer;

  constructor(@Inject(SETTINGS) settings: BillingSettings) {
    this.expected = digest(`Bearer ${settings.WEIR_BILLING_TOKEN}`);
  }

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{ headers: Record<string, string | undefined> }>();
    const given = request.headers['authorization'] ?? '';
    if (timingSafeEqual(digest(given), this.expected)) return true;
    throw new UnauthorizedException('send the token of billing in connection.json as "Authorization: Bearer"');
  }
}
