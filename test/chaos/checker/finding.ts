/** Something that must hold and does not: which check, and what was found where. */
export interface Finding {
  readonly check: string;
  readonly what: string;
}

const EXAMPLES = 5;

/** One finding for any number of offenders, with the first of them. None where there are none. */
export function findingOf(check: string, offenders: readonly unknown[]): Finding[] {
  if (offenders.length === 0) return [];
  const examples = offenders.slice(0, EXAMPLES).map((offender) => JSON.stringify(offender));
  const more = offenders.length > EXAMPLES ? ` and ${offenders.length - EXAMPLES} more` : '';
  return [{ check, what: `${offenders.length}: ${examples.join(' ')}${more}` }];
}
