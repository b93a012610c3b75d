/** What a list holds: it goes into a record of limited size, and its fields are whatever the client has sent. */
const CODES_MAX = 32;
/** Characters of a field that are kept. */
const FIELD_CHARS_MAX = 80;

/**
 * Collects what a translation could not carry, each `field:reason` once, in the order met. Of many the first 32 are listed, then
 * `other_fields:<count>_not_listed`; a long field is cut, with `…` in its end's place.
 */
export class DropList {
  readonly #codes = new Set<string>();

  add(field: string, reason: string): void {
    this.#codes.add(`${cutField(field)}:${reason}`);
  }

  get codes(): string[] {
    const codes = [...this.#codes];
    if (codes.length <= CODES_MAX) return codes;
    return [...codes.slice(0, CODES_MAX), `other_fields:${codes.length - CODES_MAX}_not_listed`];
  }
}

function cutField(field: string): string {
  if (field.length <= FIELD_CHARS_MAX) return field;
  // Half of a surrogate pair is no text.
  return `${field.slice(0, FIELD_CHARS_MAX).replace(/[\ud800-\udbff]$/, '')}…`;
}
