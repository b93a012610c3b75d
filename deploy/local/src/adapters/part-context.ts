import type { PortPlan } from '../domain/parts.js';
import type { Secrets } from '../domain/secrets.js';
import type { Home } from './home.js';

/** What every part is prepared from. */
export interface PartContext {
  readonly home: Home;
  readonly ports: PortPlan;
  readonly secrets: Secrets;
  /** For the child; holds no secret of the person who started us. */
  readonly environment: Readonly<Record<string, string>>;
  say(line: string): void;
}
