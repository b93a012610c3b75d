import { readFileSync } from 'node:fs';
import { simulatedModels } from './domain/models.js';
import { parsePriceList } from './domain/prices.js';
import { SimulatorServer } from './http/server.js';
import { SimulatorState } from './http/simulator-state.js';

export interface RunningSimulator {
  readonly port: number;
  readonly url: string;
  /** Lets open requests end for at most `drainMs`. */
  close(drainMs: number): Promise<void>;
}

const priceFile = new URL('../prices.json', import.meta.url);

/** Starts listening. @throws the system's error when the address cannot be had; Error when prices.json is faulty */
export async function startSimulator(options: {
  readonly host: string;
  readonly port: number;
}): Promise<RunningSimulator> {
  const prices = parsePriceList(readFileSync(priceFile, 'utf8'));
  const unpriced = simulatedModels.filter((model) => !prices.has(model.name)).map((model) => model.name);
  if (unpriced.length > 0) throw new Error(`prices.json has no price for ${unpriced.join(', ')}`);
  const state = new SimulatorState(prices);
  const server = new SimulatorServer(state);
  const port = await server.listen(options.host, options.port);
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return { port, url: `http://${host}:${port}`, close: (drainMs) => server.close(drainMs) };
}
