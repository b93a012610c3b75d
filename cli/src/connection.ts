import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What `weir` reads of `connection.json`; the rest of the file is not its business. */
export interface Connection {
  readonly gateway?: { readonly url: string };
  readonly admin?: { readonly url: string };
  readonly billing?: { readonly url: string; readonly token: string };
  readonly clickhouse?: {
    readonly url: string;
    readonly user: string;
    readonly password: string;
    readonly database: string;
  };
  readonly postgres?: { readonly url: string };
  readonly nats?: { readonly url: string };
  readonly simulator?: { readonly url: string };
  readonly services: Readonly<Record<string, readonly ServiceInstance[]>>;
  readonly isSimulated: boolean;
  readonly internal?: {
    /** Folder of signed checkpoints. */
    readonly checkpoints?: string;
    readonly logKeyFile?: string;
  };
}

export interface ServiceInstance {
  readonly pid: number;
  readonly healthUrl: string;
}

/** The stack of a home; undefined where none has been started there. Throws where the file is not what a start writes. */
export function findConnection(home: string): Connection | undefined {
  try {
    return JSON.parse(readFileSync(join(home, 'connection.json'), 'utf8')) as Connection;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
