import { FRAME, type CallEnvelopeV1, type FailFrame } from '@weir/contracts';
import type { BusConnection } from '../connection/bus-connection.js';
import { encodeCall, publishCall } from './call-message.js';
import { encodeJsonFrame } from './frame-codec.js';

/** Sends a call on with its reply inbox unchanged: router to worker, worker back to the router. Stateless. */
export class CallForwarder {
  constructor(private readonly connection: BusConnection) {}

  /**
   * Publishes the call at the end of the turn. That nobody listens is told to the ingress only when it is the publisher: who
   * forwards to a subject must know that it has listeners (see presence).
   */
  forward(subject: string, envelope: CallEnvelopeV1, body: Uint8Array, replyTo: string): void {
    publishCall(this.connection, subject, { payload: encodeCall(envelope, body), replyTo });
  }

  /** Ends a call that is not answered otherwise. `attempt` is the number after the last one tried; the frame is its only one. */
  failTo(replyTo: string, attempt: number, frame: FailFrame): void {
    this.connection.publish(replyTo, encodeJsonFrame({ type: FRAME.fail, attempt, sequence: 0 }, frame));
  }
}
