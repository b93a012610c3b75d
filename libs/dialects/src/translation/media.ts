import type { MediaSource } from '@weir/call-model';
import { RequestFaultError } from './request-fault.js';

const DATA_URL = /^data:([^;,]+)((?:;[^;,]+)*?)(;base64)?,/i;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * A URL as Chat gives it: `data:` is taken apart, http(s) stays a URL (nothing here fetches it).
 * @throws RequestFaultError for another scheme, and for data that is not base64.
 */
export function parseMediaUrl(url: string, param: string): MediaSource {
  if (/^https?:\/\//i.test(url)) return { kind: 'url', url };
  const match = DATA_URL.exec(url);
  if (!match) throw new RequestFaultError(param, `${param}: must be an http(s) URL or a data: URL with base64 data`);
  const mediaType = (match[1] ?? '').toLowerCase();
  const data = url.slice(match[0].length);
  if (match[3] === undefined || !isBase64(data))
    throw new RequestFaultError(param, `${param}: the data: URL does not hold valid base64`);
  return { kind: 'base64', mediaType, data };
}

/** Whether the text is standard base64. Linear: no backtracking on megabytes. */
export function isBase64(data: string): boolean {
  return data.length > 0 && data.length % 4 === 0 && BASE64.test(data);
}

export function formatDataUrl(mediaType: string, data: string): string {
  return `data:${mediaType};base64,${data}`;
}
