import { isJsonObject, type JsonObject } from './json.js';

/** Beyond this depth optional properties are left out, so that recursive schemas end. */
const optionalDepthMax = 4;
const depthMax = 32;

const formatted: Record<string, string> = {
  date: '2026-01-15',
  'date-time': '2026-01-15T09:30:00Z',
  time: '09:30:00Z',
  duration: 'PT5M',
  email: 'person@example.com',
  uuid: '123e4567-e89b-42d3-a456-426614174000',
  uri: 'https://example.com/',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
};

/**
 * A value that satisfies `schema`: types, const, enum, required, bounds, lengths, formats, anyOf/oneOf (first branch),
 * allOf and local $ref. `pattern` and `not` are not solved.
 */
export function instanceOfSchema(schema: JsonObject, seed: string): unknown {
  return instanceAt(schema, { root: schema, seed, depth: 0, name: 'value' });
}

interface Place {
  readonly root: JsonObject;
  readonly seed: string;
  readonly depth: number;
  readonly name: string;
}

function instanceAt(given: unknown, place: Place): unknown {
  if (!isJsonObject(given) || place.depth > depthMax) return null;
  const schema = resolved(given, place.root);
  for (const key of ['const', 'default'] as const) if (key in schema) return schema[key];
  const enumeration = schema['enum'];
  if (Array.isArray(enumeration)) return pick<unknown>(enumeration, place.seed);
  const branches = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(branches)) return instanceAt(branchOf(branches, place), deeper(place, place.name));
  return instanceOfType(typeOf(schema, place), schema, place);
}

function resolved(schema: JsonObject, root: JsonObject): JsonObject {
  const reference = schema['$ref'];
  const target = typeof reference === 'string' ? follow(reference, root) : undefined;
  const merged = target === undefined ? schema : { ...target, ...schema };
  const all = schema['allOf'];
  if (!Array.isArray(all))
    return target === undefined || target['$ref'] === undefined ? merged : resolved(target, root);
  return all
    .filter(isJsonObject)
    .map((each) => resolved(each, root))
    .reduce(mergeSchemas, { ...merged });
}

function mergeSchemas(left: JsonObject, right: JsonObject): JsonObject {
  const properties = { ...asObject(left['properties']), ...asObject(right['properties']) };
  const required = [...asArray(left['required']), ...asArray(right['required'])];
  return { ...left, ...right, properties, required };
}

function follow(reference: string, root: JsonObject): JsonObject | undefined {
  if (!reference.startsWith('#')) return undefined;
  let at: unknown = root;
  for (const step of reference
    .slice(1)
    .split('/')
    .filter((each) => each !== '')) {
    const key = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    at = isJsonObject(at) ? at[key] : undefined;
  }
  return isJsonObject(at) ? at : undefined;
}

/** The first branch, or deep down one that ends the recursion. */
function branchOf(branches: readonly unknown[], place: Place): unknown {
  if (place.depth < optionalDepthMax) return branches[0];
  return branches.find((branch) => isJsonObject(branch) && branch['type'] === 'null') ?? branches[0];
}

function typeOf(schema: JsonObject, place: Place): string {
  const type = schema['type'];
  if (typeof type === 'string') return type;
  if (Array.isArray(type)) {
    const endsHere = place.depth >= optionalDepthMax && type.includes('null');
    return endsHere ? 'null' : String(type.find((each) => each !== 'null') ?? 'null');
  }
  if ('properties' in schema) return 'object';
  return 'items' in schema ? 'array' : 'string';
}

function instanceOfType(type: string, schema: JsonObject, place: Place): unknown {
  switch (type) {
    case 'object':
      return objectOf(schema, place);
    case 'array':
      return arrayOf(schema, place);
    case 'integer':
      return numberOf(schema, place, 1);
    case 'number':
      return numberOf(schema, place, 0.5);
    case 'boolean':
      return digitOf(place.seed, place.name) % 2 === 0;
    case 'null':
      return null;
    default:
      return stringOf(schema, place);
  }
}

function objectOf(schema: JsonObject, place: Place): JsonObject {
  const required = asArray(schema['required']);
  const entries = Object.entries(asObject(schema['properties'])).filter(
    ([name]) => required.includes(name) || place.depth < optionalDepthMax,
  );
  return Object.fromEntries(entries.map(([name, each]) => [name, instanceAt(each, deeper(place, name))]));
}

function arrayOf(schema: JsonObject, place: Place): unknown[] {
  const prefix = asArray(schema['prefixItems']);
  const minimum = asCount(schema['minItems']) ?? (place.depth < optionalDepthMax ? 1 : 0);
  const length = Math.min(Math.max(minimum, prefix.length), asCount(schema['maxItems']) ?? Number.MAX_SAFE_INTEGER);
  return Array.from({ length }, (_, index) =>
    instanceAt(prefix[index] ?? asObject(schema['items']), deeper(place, `${place.name}${index + 1}`)),
  );
}

function numberOf(schema: JsonObject, place: Place, above: number): number {
  const exclusive = asNumber(schema['exclusiveMinimum']);
  const low = asNumber(schema['minimum']) ?? (exclusive === undefined ? undefined : exclusive + above);
  const high = asNumber(schema['maximum']) ?? decremented(asNumber(schema['exclusiveMaximum']), above);
  const wished = (low ?? 0) + digitOf(place.seed, place.name);
  const value = high !== undefined && wished > high ? (low ?? high) : wished;
  const step = asNumber(schema['multipleOf']);
  return step === undefined ? value : Math.ceil(value / step) * step;
}

function decremented(value: number | undefined, by: number): number | undefined {
  return value === undefined ? undefined : value - by;
}

function stringOf(schema: JsonObject, place: Place): string {
  const format = schema['format'];
  const base =
    (typeof format === 'string' ? formatted[format] : undefined) ?? `${place.name}-${place.seed.slice(0, 4)}`;
  const padded = base.padEnd(asCount(schema['minLength']) ?? 0, 'x');
  return padded.slice(0, asCount(schema['maxLength']) ?? padded.length);
}

function deeper(place: Place, name: string): Place {
  return { ...place, depth: place.depth + 1, name };
}

function digitOf(seed: string, name: string): number {
  return (Number.parseInt(seed.slice(0, 8), 16) + name.length) % 10;
}

function pick<Item>(items: readonly Item[], seed: string): Item | undefined {
  return items[Number.parseInt(seed.slice(8, 14), 16) % Math.max(1, items.length)];
}

function asObject(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function asNumber(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function asCount(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 ? Math.min(value, 10_000) : undefined;
}
