/** Things that clients send: small, and different from what any model says by itself. */

/** A 1 × 1 pixel. */
export const PNG_BASE64 =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
export const PNG_BYTES = Buffer.from(PNG_BASE64, 'base64').byteLength;
export const PNG_DATA_URL = `data:image/png;base64,${PNG_BASE64}`;

const PDF = '%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n';
export const PDF_BASE64 = Buffer.from(PDF).toString('base64');
export const PDF_BYTES = Buffer.byteLength(PDF);
export const PDF_DATA_URL = `data:application/pdf;base64,${PDF_BASE64}`;

export const WEATHER_SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
export const CLOCK_SCHEMA = {
  type: 'object',
  properties: { zone: { type: 'string', enum: ['UTC', 'CET'] } },
  required: ['zone'],
  additionalProperties: false,
};

/** Makes the simulator call both tools in one turn. The argument holds text that every layer has to escape and to carry. */
export const USE_BOTH_TOOLS =
  'Use get_weather and get_time. [[sim tool=get_weather args={"city": "São \\"Paulo\\" 堰"} tool=get_time args={"zone": "CET"}]]';
export const CITY = 'São "Paulo" 堰';

export const FORECAST_SCHEMA = {
  type: 'object',
  properties: {
    city: { type: 'string' },
    degrees: { type: 'integer' },
    sky: { type: 'string', enum: ['clear', 'cloudy'] },
    hours: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        properties: { hour: { type: 'integer' }, rain: { type: 'boolean' } },
        required: ['hour', 'rain'],
        additionalProperties: false,
      },
    },
  },
  required: ['city', 'degrees', 'sky', 'hours'],
  additionalProperties: false,
};

/** A prompt long enough for caches that start at 1,024 tokens; `about` keeps the prefixes of different tests apart. */
export function longPrompt(about: string): string {
  return `${about}: ${'All of this is the same each time. '.repeat(160)}`;
}
