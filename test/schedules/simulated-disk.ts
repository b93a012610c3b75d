import { JournalLockedError, type JournalDisk } from '@weir/journal';
import type { SimulatedProcess, Simulation } from './simulation.js';

/** A segment on the disk. */
interface Segment {
  readonly epoch: number;
  readonly first: number;
  bytes: Buffer;
}

class Folder {
  readonly files = new Map<string, string>();
  readonly segments = new Map<string, Segment>();
  owner: SimulatedProcess | undefined;
}

/** What the disk tells whoever watches. */
export interface DiskWatch {
  /** Bytes are in the file, for good: from here on an event exists. */
  onWritten(bytes: Buffer): void;
  /** The lines of a segment are about to be deleted. */
  onDeleted(bytes: Buffer): void;
}

/** A disk that full is: `write` throws as the system does. */
class DiskFullError extends Error {
  readonly code = 'ENOSPC';
}

/** The folders of all journals: what was written survives every death of a process; a lock does not. */
export class SimulatedDisks {
  readonly folders = new Map<string, Folder>();
  isFull = false;

  constructor(
    private readonly simulation: Simulation,
    private readonly watch: DiskWatch,
  ) {}

  /** Folders that hold a journal and belong to nobody alive. */
  readonly findOrphans = async (): Promise<string[]> => {
    await this.moment('look for orphans');
    return [...this.folders].flatMap(([path, folder]) =>
      folder.owner === undefined && folder.files.has('producer.json') ? [path] : [],
    );
  };

  disk(path: string): JournalDisk {
    const folder = (): Folder => {
      const found = this.folders.get(path);
      if (!found) throw new Error(`there is no folder ${path}`);
      return found;
    };
    const nameOf = (epoch: number, first: number): string => `${epoch}-${first}`;
    return {
      create: async () => {
        if (!this.folders.has(path)) this.folders.set(path, new Folder());
      },
      lock: async () => this.lock(path, folder()),
      findFile: async (name) => folder().files.get(name),
      replaceFile: async (name, text) => {
        await this.moment(`write ${name}`);
        folder().files.set(name, text);
        await this.moment('synced');
      },
      listSegments: async () => [...folder().segments.values()].sort((a, b) => a.epoch - b.epoch || a.first - b.first),
      openSegment: (epoch, first) => this.openSegment(folder(), { epoch, first, bytes: Buffer.alloc(0) }),
      findSegment: async (epoch, first) => {
        await this.moment('read');
        return folder().segments.get(nameOf(epoch, first))?.bytes;
      },
      deleteSegment: async (epoch, first) => {
        const name = nameOf(epoch, first);
        const segment = folder().segments.get(name);
        if (segment) this.watch.onDeleted(segment.bytes);
        folder().segments.delete(name);
        await this.moment('deleted');
      },
      probe: async () => this.refuseWhileFull(),
      remove: async () => {
        for (const { bytes } of folder().segments.values()) this.watch.onDeleted(bytes);
        this.folders.delete(path);
        await this.moment('removed');
      },
    };
  }

  private openSegment(folder: Folder, segment: Segment): ReturnType<JournalDisk['openSegment']> {
    const { simulation, watch } = this;
    folder.segments.set(`${segment.epoch}-${segment.first}`, segment);
    return {
      write: (bytes) => {
        this.refuseWhileFull();
        segment.bytes = Buffer.concat([segment.bytes, bytes]);
        simulation.note(`${simulation.current?.name ?? ''} journals ${bytes.length} bytes`);
        watch.onWritten(bytes);
      },
      sync: () => this.moment('synced'),
      close: () => undefined,
    };
  }

  private lock(path: string, folder: Folder): { release: () => Promise<void> } {
    const process = this.simulation.current;
    if (folder.owner) throw new JournalLockedError(path);
    folder.owner = process;
    const free = (): void => {
      if (folder.owner === process) folder.owner = undefined;
    };
    process?.onDeath.push(free);
    return { release: async () => free() };
  }

  private refuseWhileFull(): void {
    if (this.isFull) throw new DiskFullError('no space left on the device');
  }

  /** The disk takes a moment, in which the process may die. */
  private moment(label: string): Promise<void> {
    const { simulation } = this;
    return new Promise((resolve) => {
      simulation.plan(simulation.current, simulation.random.next() * 2, label, resolve);
    });
  }
}
