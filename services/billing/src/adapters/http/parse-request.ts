import { BadRequestException } from '@nestjs/common';
import type { z } from 'zod';

/** @throws BadRequestException naming every fault. */
export function parseRequest<Schema extends z.ZodType>(schema: Schema, content: unknown): z.output<Schema> {
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || '(top)'}: ${issue.message}`);
  throw new BadRequestException(faults.join('; '));
}
