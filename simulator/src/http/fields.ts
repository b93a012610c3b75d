import { isJsonObject, type JsonObject } from '../domain/json.js';
import { RequestFault } from '../domain/request-fault.js';
import { createHash } from 'node:crypto';

/** Readers of request fields. Each throws RequestFault 400 naming the field. */

export function requireObject(value: unknown, path: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw wrongType(path, 'an object', value);
}

export function requireArray(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw wrongType(path, 'an array', value);
}

export function optionalArray(value: unknown, path: string): readonly unknown[] {
  return value === undefined || value === null ? [] : requireArray(value, path);
}

export function optionalObject(value: unknown, path: string): JsonObject | undefined {
  return value === undefined || value === null ? undefined : requireObject(value, path);
}

export function requireString(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  throw wrongType(path, 'a string', value);
}

export function optionalString(value: unknown, path: string): string | undefined {
  return value === undefined || value === null ? undefined : requireString(value, path);
}

export function optionalBoolean(value: unknown, path: string): boolean | undefined {
  if (value === undefined || value === null || typeof value === 'boolean') return value ?? undefined;
  throw wrongType(path, 'a boolean', value);
}

export function optionalCount(value: unknown, path: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1) return value;
  throw wrongType(path, 'a whole number of at least 1', value);
}

function wrongType(path: string, expected: string, value: unknown): RequestFault {
  const got =
    value === null ? 'null' : Array.isArray(value) ? 'an array' : value === undefined ? 'nothing' : `a ${typeof value}`;
  return new RequestFault(400, `${path}: expected ${expected}, got ${got}`, { param: path });
}

/** Describes inline data without decoding it: providers are sent up to tens of megabytes. */
export function measureBase64(data: string): { digest: string; byteCount: number } {
  const padding = data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0;
  return { digest: digestOf(data), byteCount: Math.floor((data.length * 3) / 4) - padding };
}

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
