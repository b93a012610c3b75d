/** Collects what a translation could not carry, each `field:reason` once, in the order met. */
export class DropList {
  readonly #codes = new Set<string>();

  add(field: string, reason: string): void {
    this.#codes.add(`${field}:${reason}`);
  }

  get codes(): string[] {
    return [...this.#codes];
  }
}
