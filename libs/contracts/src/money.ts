import { z } from 'zod';

/** An amount in pico-USD (10⁻¹² USD) as it crosses the wire: a decimal integer in a string, never a number. */
export const PicoUsdString = z.string().regex(/^-?\d{1,38}$/, 'an integer string of pico-USD');
export type PicoUsdString = z.infer<typeof PicoUsdString>;
