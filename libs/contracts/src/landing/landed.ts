import { z } from 'zod';
import { SINKS } from '../subjects.js';

/** A sink has landed every event of (`producerId`, `epoch`) up to and including `through`. Repeats are harmless. */
export const LandedReport = z.object({
  sink: z.enum(SINKS),
  producerId: z.string(),
  epoch: z.int(),
  through: z.int().min(0),
});
export type LandedReport = z.infer<typeof LandedReport>;
