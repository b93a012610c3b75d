/** Lines for the person who started Weir. The terminal may be gone at any time: a write that fails is no reason to stop draining. */
export class Terminal {
  constructor(private readonly stream: NodeJS.WriteStream) {
    stream.on('error', () => undefined);
  }

  say(line: string): void {
    this.stream.write(`${line}\n`);
  }

  /** Runs one step and prints its seconds. */
  async step<Result>(name: string, run: () => Promise<Result>): Promise<Result> {
    const started = performance.now();
    const result = await run();
    this.say(`✓ ${name}  ${formatSeconds(performance.now() - started)}`);
    return result;
  }
}

export function formatSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
