import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const PRELOAD = new URL('./clock-preload.js', import.meta.url);

/** Files that a stack under test looks at, so that a fault reaches into a running process: failpoints and offsets of clocks. */
export class Switches {
  private readonly failpoints: string;
  private readonly clocks: string;

  constructor(home: string) {
    this.failpoints = join(home, 'failpoints');
    this.clocks = join(home, 'clocks');
    for (const folder of [this.failpoints, this.clocks]) mkdirSync(folder, { recursive: true });
  }

  /** What a stack must be started with to see them. */
  get environment(): Readonly<Record<string, string>> {
    return {
      NODE_ENV: 'test',
      WEIR_FAILPOINT: pathToFileURL(this.failpoints).href,
      WEIR_CHAOS_CLOCKS: this.clocks,
      NODE_OPTIONS: `--import=${PRELOAD.href}`,
    };
  }

  /** The sink's process dies, once, right after that step of landing. */
  dieAfter(sink: string, step: string): void {
    writeFileSync(this.fileOf(sink, step), '');
  }

  hasDiedAfter(sink: string, step: string): boolean {
    return !existsSync(this.fileOf(sink, step));
  }

  /** A service's clock jumps by so many milliseconds, and back with 0. */
  setClock(service: string, offsetMs: number): void {
    writeFileSync(join(this.clocks, service), String(offsetMs));
  }

  reset(): void {
    for (const folder of [this.failpoints, this.clocks]) {
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
    }
  }

  private fileOf(sink: string, step: string): string {
    return join(this.failpoints, `${sink}.landing.after-${step}`);
  }
}
