import { watch, type FSWatcher } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

/** Files are looked at this often besides the system's notices, which network file systems and some editors do not give. */
const POLL_MS = 250;

export interface WatchOptions {
  readonly file: string;
  /** Called with the text at the start and after each change of its content, one call at a time. */
  readonly onText: (text: string) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** Follows one file by content: editors that replace it, touch it or write it twice cause one call for each new text. */
export class ConfigurationWatcher {
  private watcher: FSWatcher | undefined;
  private timer: NodeJS.Timeout | undefined;
  private lastText: string | undefined;
  private lastSeen = '';
  private running: Promise<void> | undefined;

  constructor(private readonly options: WatchOptions) {}

  async start(): Promise<void> {
    const name = basename(this.options.file);
    this.watcher = watch(dirname(this.options.file), (_, changed) => {
      if (changed === null || changed === name) this.look();
    });
    this.watcher.on('error', this.options.onError);
    this.timer = setInterval(() => {
      this.look();
    }, POLL_MS);
    this.look();
    await this.running;
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    this.watcher?.close();
    await this.running;
  }

  /** Reads the file unless a reading is under way; the next poll catches what changed meanwhile. */
  private look(): void {
    this.running ??= this.readIfChanged()
      .catch(this.options.onError)
      .finally(() => {
        this.running = undefined;
      });
  }

  private async readIfChanged(): Promise<void> {
    const { mtimeMs, size, ino } = await stat(this.options.file);
    const seen = `${mtimeMs}:${size}:${ino}`;
    if (seen === this.lastSeen) return;
    const text = await readFile(this.options.file, 'utf8');
    if (text !== this.lastText) await this.options.onText(text);
    this.lastText = text;
    this.lastSeen = seen;
  }
}
