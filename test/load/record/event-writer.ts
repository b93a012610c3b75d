import { connect, type Socket } from 'node:net';
import type { GeneratedBatch } from './generated-events.js';

/** Messages on their way at once. */
const IN_FLIGHT_MAX = 32;

/**
 * Publishes to the event streams as a producer's client does (NATS client protocol, JetStream acknowledgements), at most so many messages
 * unacknowledged at once.
 */
export class EventWriter {
  private inFlight = 0;
  private wake: (() => void) | undefined;
  private failure: Error | undefined;
  private rest = '';

  private constructor(private readonly socket: Socket) {
    socket.on('data', (data) => this.read(data.toString('latin1')));
    socket.once('error', (error) => this.fail(error));
    socket.once('close', () => this.fail(new Error('the broker has closed the connection')));
  }

  static open(natsUrl: string): EventWriter {
    const { hostname, port, username, password } = new URL(natsUrl);
    const writer = new EventWriter(connect(Number(port), hostname));
    const hello = { verbose: false, pedantic: false, headers: true, user: username, pass: password };
    writer.socket.write(`CONNECT ${JSON.stringify(hello)}\r\nSUB _INBOX.bench 1\r\n`);
    return writer;
  }

  /** @throws where JetStream refuses a message or the connection is lost. */
  async publish({ partition, messageId, payload }: GeneratedBatch): Promise<void> {
    while (this.inFlight >= IN_FLIGHT_MAX) await this.waitForRoom();
    if (this.failure) throw this.failure;
    this.inFlight += 1;
    const headers = `NATS/1.0\r\nNats-Msg-Id: ${messageId}\r\n\r\n`;
    const size = headers.length + payload.length;
    this.socket.write(`HPUB weir.v1.events.${partition} _INBOX.bench ${headers.length} ${size}\r\n${headers}`);
    this.socket.write(payload);
    this.socket.write('\r\n');
  }

  /** Waits until all is acknowledged, and closes. */
  async close(): Promise<void> {
    while (this.inFlight > 0 && !this.failure) await this.waitForRoom();
    const { failure } = this;
    this.socket.removeAllListeners('close');
    this.socket.destroy();
    if (failure) throw failure;
  }

  private async waitForRoom(): Promise<void> {
    if (this.failure) throw this.failure;
    await new Promise<void>((resolve) => (this.wake = resolve));
  }

  private read(text: string): void {
    const lines = (this.rest + text).split('\r\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === 'PING') this.socket.write('PONG\r\n');
      else if (line.startsWith('-ERR') || line.startsWith('{"error"')) this.fail(new Error(`the broker says ${line}`));
      else if (line.startsWith('{"stream"')) this.inFlight -= 1;
    }
    this.wakeUp();
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.wakeUp();
  }

  private wakeUp(): void {
    this.wake?.();
    this.wake = undefined;
  }
}
