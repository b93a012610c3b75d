import { z } from 'zod';
import { isJsonObject, type JsonObject } from './json.js';

/** Any JSON object, taken as it is: `z.record` would copy it key by key and lose a key named `__proto__`. */
export const WireObject = z.custom<JsonObject>(isJsonObject, { error: 'must be an object' });
