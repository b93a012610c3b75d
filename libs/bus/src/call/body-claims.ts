import { randomBytes } from 'node:crypto';
import { BodyPull, CALL_SIZES, subjects } from '@weir/contracts';
import type { BusMessage, BusSubscription } from '../connection/bus-message.js';
import type { BusConnection } from '../connection/bus-connection.js';

const EMPTY = new Uint8Array(0);

/** Request bodies too large to travel inline, held by this ingress until their calls end, and served in chunks to the workers. */
export class BodyClaims {
  private readonly bodies = new Map<string, Uint8Array>();
  private readonly subscription: BusSubscription;

  constructor(
    private readonly connection: BusConnection,
    ingressId: string,
  ) {
    this.subscription = connection.subscribe(subjects.body(ingressId), (message) => this.serve(message));
  }

  /** Holds `body`, which must not change, under a token that cannot be guessed. */
  hold(body: Uint8Array): string {
    const token = randomBytes(16).toString('base64url');
    this.bodies.set(token, body);
    return token;
  }

  release(token: string): void {
    this.bodies.delete(token);
  }

  close(): void {
    this.subscription.unsubscribe();
    this.bodies.clear();
  }

  private serve(message: BusMessage): void {
    const pull = BodyPull.parse(JSON.parse(message.data.toString('utf8')));
    const body = this.bodies.get(pull.token);
    const end = pull.offset + Math.min(pull.length, CALL_SIZES.bodyChunk);
    this.connection.publish(message.replyTo, body ? body.subarray(pull.offset, end) : EMPTY);
  }
}
