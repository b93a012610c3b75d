import { startLiteLlm } from './litellm.js';
import { PeerUnavailable, type RunningPeer } from './peer.js';
import { startPortkey } from './portkey.js';

const PEERS = { portkey: startPortkey, litellm: startLiteLlm } as const;
export type PeerName = keyof typeof PEERS;

const isPeer = (name: string): name is PeerName => name in PEERS;

/** The names after `--against`. @throws RangeError for one that is not known. */
export function parsePeers(list: string | undefined): PeerName[] {
  const names = (list ?? '').split(',').filter((name) => name !== '');
  const unknown = names.filter((name) => !isPeer(name));
  if (unknown.length > 0)
    throw new RangeError(`no such peer: ${unknown.join(', ')}; known: ${Object.keys(PEERS).join(', ')}`);
  return names.filter(isPeer);
}

export interface StartedPeers {
  readonly running: ReadonlyMap<PeerName, RunningPeer>;
  /** Why the others are not measured. */
  readonly unavailable: ReadonlyMap<PeerName, string>;
  stop(): Promise<void>;
}

/** Installs and starts what was asked for, one after the other. What cannot be had is named with its reason. */
export async function startPeers(
  names: readonly PeerName[],
  upstream: string,
  freePort: () => Promise<number>,
): Promise<StartedPeers> {
  const running = new Map<PeerName, RunningPeer>();
  const unavailable = new Map<PeerName, string>();
  for (const name of names) {
    try {
      running.set(name, await PEERS[name](await freePort(), upstream));
    } catch (error) {
      if (!(error instanceof PeerUnavailable)) throw error;
      unavailable.set(name, error.message);
    }
  }
  return {
    running,
    unavailable,
    stop: async () => {
      for (const peer of running.values()) await peer.stop();
    },
  };
}
