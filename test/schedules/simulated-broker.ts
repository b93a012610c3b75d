import type { BusConnection, BusMessage, BusSubscription } from '@weir/bus';
import { eventStreamName, subjects } from '@weir/contracts';
import { SimulatedConsumer, SimulatedStream, type PullRequest, type StoredBatch } from './simulated-stream.js';
import { NoAnswerError, SimulatedServer } from './simulated-server.js';
import type { SimulatedProcess, Simulation } from './simulation.js';
import { EPOCH_MS } from './virtual-runtime.js';

/** The one stream of a schedule: its producers share a partition, which is where they can get into each other's way. */
const STREAM = eventStreamName(0);
const EVENTS = subjects.events(0);

interface Publication {
  readonly subject: string;
  readonly payload: Buffer;
  readonly replyTo: string;
  readonly messageId: string | undefined;
}

interface Received {
  readonly subject: string;
  readonly data: Buffer;
  readonly replyTo?: string;
  readonly statusCode?: number;
}

/** A process's connection. Order holds on each of its two ways; what is under way when it breaks is lost. */
class SimulatedConnection {
  isConnected = true;
  readonly subscriptions = new Map<string, (message: BusMessage) => void>();
  readonly reconnectListeners = new Set<() => void>();
  generation = 0;
  private outAt = 0;
  private inAt = 0;
  private inboxes = 0;

  constructor(
    private readonly simulation: Simulation,
    private readonly broker: SimulatedBroker,
    readonly process: SimulatedProcess,
  ) {}

  send(publication: Publication): void {
    if (!this.isConnected) return;
    const { generation, simulation } = this;
    this.outAt = Math.max(this.outAt, simulation.now + this.broker.latency());
    simulation.plan(undefined, this.outAt - simulation.now, 'publish', () => {
      if (generation === this.generation) this.broker.receive(this, publication);
    });
  }

  deliver(received: Received, listener: (message: BusMessage) => void): void {
    const { generation, simulation } = this;
    this.inAt = Math.max(this.inAt, simulation.now + this.broker.latency());
    simulation.plan(this.process, this.inAt - simulation.now, 'message', () => {
      if (generation === this.generation) listener(messageOf(received));
    });
  }

  /** The connection as the code under test knows it: what it uses of one, and nothing else. */
  asBusConnection(): BusConnection {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- the getter below has a `this` of its own
    const connection = this;
    const bus = {
      get isConnected() {
        return connection.isConnected;
      },
      publish: (subject: string, payload: Uint8Array, replyTo = '') =>
        connection.send({ subject, payload: Buffer.from(payload), replyTo, messageId: undefined }),
      publishWithHeaders: (
        subject: string,
        payload: Uint8Array,
        { headers, replyTo = '' }: { headers: Readonly<Record<string, string>>; replyTo?: string },
      ) => connection.send({ subject, payload: Buffer.from(payload), replyTo, messageId: headers['Nats-Msg-Id'] }),
      flushTurn: () => undefined,
      subscribe: (subject: string, listener: (message: BusMessage) => void): BusSubscription => {
        connection.subscriptions.set(subject, listener);
        return { unsubscribe: () => void connection.subscriptions.delete(subject) };
      },
      createInbox: () => `_INBOX.${connection.process.name}.${++connection.inboxes}`,
      onReconnect: (listener: () => void) => {
        connection.reconnectListeners.add(listener);
        return () => connection.reconnectListeners.delete(listener);
      },
      request: async (subject: string, payload: Uint8Array) => {
        if (!connection.isConnected) throw new NoAnswerError('not connected to the broker');
        const body = Buffer.from(payload).toString('utf8');
        return connection.broker.call({ label: subject }, () => connection.broker.answer(subject, body));
      },
    };
    // A class with private parts cannot be matched by shape; a member that is missing here fails the schedule.
    return bus as unknown as BusConnection;
  }
}

function messageOf({ subject, data, replyTo = '', statusCode = 0 }: Received): BusMessage {
  const isNoResponders = statusCode === 503 && data.length === 0;
  return { subject, data, replyTo, statusCode, isNoResponders, header: () => undefined };
}

const NOTHING = Buffer.alloc(0);
const jsonOf = (value: object): Buffer => Buffer.from(JSON.stringify(value));
const NOT_FOUND = jsonOf({ error: { code: 404, err_code: 10_059, description: 'not found' } });

/** NATS with JetStream: one stream, durable consumers that are pulled, and messages of the core that may be lost. */
export class SimulatedBroker extends SimulatedServer {
  stream: SimulatedStream | undefined;
  /** Told before a message counts as landed for a sink. */
  onAcknowledged: (sink: string, batch: StoredBatch) => void = () => undefined;
  private readonly connections = new Set<SimulatedConnection>();
  /** How often positions were given away that may be given again: with the stream, or with its tail. */
  private incarnation = 0;

  constructor(simulation: Simulation) {
    super(simulation, 'broker', 5_000);
  }

  connect(process: SimulatedProcess): BusConnection {
    const connection = new SimulatedConnection(this.simulation, this, process);
    connection.isConnected = !this.isDown;
    this.connections.add(connection);
    process.onDeath.push(() => {
      connection.generation += 1;
      this.connections.delete(connection);
    });
    return connection.asBusConnection();
  }

  /** Stops, and comes back after a while; `lose` is what its disk has lost by then. */
  restart(downMs: number, lose: () => void): void {
    this.isDown = true;
    for (const connection of this.connections) {
      connection.isConnected = false;
      connection.generation += 1;
    }
    for (const consumer of this.stream?.consumers.values() ?? []) consumer.requests.length = 0;
    this.simulation.plan(undefined, downMs, 'broker is back', () => {
      this.isDown = false;
      this.incarnation += 1;
      lose();
      for (const connection of this.connections)
        this.simulation.plan(connection.process, this.latency(), 'reconnect', () => this.reconnect(connection));
    });
  }

  receive(from: SimulatedConnection, publication: Publication): void {
    if (this.isDown) return;
    const { subject } = publication;
    if (subject === EVENTS) return this.store(from, publication);
    if (subject.startsWith('$JS.ACK.')) return this.acknowledge(subject, publication.payload.toString('latin1'));
    if (subject.startsWith('$JS.API.CONSUMER.MSG.NEXT.')) return this.pull(from, publication);
    if (this.simulation.random.chance(this.lossy)) return;
    for (const connection of this.connections) {
      const listener = connection.subscriptions.get(subject);
      if (listener) connection.deliver({ subject, data: publication.payload }, listener);
    }
  }

  answer(subject: string, body: string): Buffer {
    const [operation = '', stream, durable] = subject.replace('$JS.API.', '').split(/\.(?=EVENTS_|[a-z]+$)/);
    if (stream !== STREAM) throw new Error(`the broker does not know ${subject}`);
    if (operation === 'STREAM.CREATE') this.stream ??= this.createStream();
    const found = this.stream;
    if (!found) return NOT_FOUND;
    if (operation === 'STREAM.MSG.GET') {
      const batch = found.find((JSON.parse(body) as { seq: number }).seq);
      return batch ? jsonOf({ message: { data: batch.payload.toString('base64') } }) : NOT_FOUND;
    }
    if (operation === 'CONSUMER.CREATE') this.createConsumer(found, durable ?? '', body);
    return jsonOf({ created: found.created, state: { last_seq: found.last, messages: found.last } });
  }

  private createStream(): SimulatedStream {
    return new SimulatedStream(new Date(EPOCH_MS + this.simulation.now).toISOString());
  }

  private createConsumer(stream: SimulatedStream, durable: string, body: string): void {
    const { config } = JSON.parse(body) as { config: { ack_wait: number } };
    if (!stream.consumers.has(durable)) stream.consumers.set(durable, new SimulatedConsumer(config.ack_wait / 1e6));
  }

  private reconnect(connection: SimulatedConnection): void {
    connection.isConnected = true;
    for (const listener of [...connection.reconnectListeners]) listener();
  }

  private store(from: SimulatedConnection, { payload, messageId, replyTo }: Publication): void {
    const { stream, simulation } = this;
    const listener = from.subscriptions.get(`${replyTo.slice(0, replyTo.lastIndexOf('.'))}.*`);
    if (!listener) return;
    if (!stream) return from.deliver({ subject: replyTo, data: NOTHING, statusCode: 503 }, listener);
    // Lost on the way there, or the answer on the way back: the producer cannot tell which.
    if (simulation.random.chance(this.lossy)) return;
    const { position, isDuplicate } = stream.store(payload, messageId, simulation.now);
    this.dispatch();
    if (simulation.random.chance(this.lossy)) return;
    const acknowledgement = { stream: STREAM, seq: position, ...(isDuplicate ? { duplicate: true } : {}) };
    from.deliver({ subject: replyTo, data: jsonOf(acknowledgement) }, listener);
  }

  private pull(from: SimulatedConnection, { subject, payload, replyTo }: Publication): void {
    const durable = subject.slice(subject.lastIndexOf('.') + 1);
    const consumer = this.stream?.consumers.get(durable);
    const listener = from.subscriptions.get(replyTo);
    if (!consumer) {
      // A broker of 2.9 does not tell that a consumer is gone.
      if (listener && this.stream === undefined)
        from.deliver({ subject: replyTo, data: NOTHING, statusCode: 503 }, listener);
      return;
    }
    const { batch, expires } = JSON.parse(payload.toString('utf8')) as { batch: number; expires: number };
    const request: PullRequest = { inbox: replyTo, left: batch, expiresAt: this.simulation.now + expires / 1e6 };
    consumer.requests.push(request);
    this.dispatch();
    this.simulation.plan(undefined, expires / 1e6, 'pull is over', () => this.expire(consumer, request));
  }

  private expire(consumer: SimulatedConsumer, request: PullRequest): void {
    const at = consumer.requests.indexOf(request);
    if (at < 0) return;
    // A message may have become due again without anybody publishing.
    this.dispatch();
    const still = consumer.requests.indexOf(request);
    if (still < 0) return;
    consumer.requests.splice(still, 1);
    const reader = this.findReader(request.inbox);
    reader?.connection.deliver({ subject: request.inbox, data: NOTHING, statusCode: 408 }, reader.listener);
  }

  private findReader(
    inbox: string,
  ): { connection: SimulatedConnection; listener: (message: BusMessage) => void } | undefined {
    for (const connection of this.connections) {
      const listener = connection.subscriptions.get(inbox);
      if (listener && connection.isConnected) return { connection, listener };
    }
    return undefined;
  }

  /** Gives waiting readers what there is. */
  private dispatch(): void {
    for (const [durable, consumer] of this.stream?.consumers ?? []) {
      for (let request = consumer.requests[0]; request; request = consumer.requests[0])
        if (!this.give(durable, consumer, request)) break;
    }
  }

  /** Gives one message to whoever waits longest. False where there is none. */
  private give(durable: string, consumer: SimulatedConsumer, request: PullRequest): boolean {
    const reader = this.findReader(request.inbox);
    const next = reader && this.stream && consumer.next(this.stream, this.simulation.now);
    if (reader && !next) return false;
    if (reader && next) {
      const { batch, deliveries } = next;
      const replyTo = `$JS.ACK.${STREAM}.${durable}.${deliveries}.${batch.position}.0.${this.incarnation}.0`;
      reader.connection.deliver({ subject: EVENTS, data: batch.payload, replyTo }, reader.listener);
      request.left -= 1;
    }
    // Nobody is there any more, or has what it asked for.
    if (!reader || request.left <= 0) consumer.requests.shift();
    return true;
  }

  private acknowledge(subject: string, kind: string): void {
    const [, , , durable = '', , position, , incarnation] = subject.split('.');
    const consumer = this.stream?.consumers.get(durable);
    const batch = this.stream?.find(Number(position));
    if (!consumer || !batch) return;
    if (kind !== '+ACK') {
      const pending = consumer.pending.get(batch.position);
      if (pending) consumer.pending.set(batch.position, { ...pending, dueAt: this.simulation.now });
      return this.dispatch();
    }
    // One that was meant for what stood there before counts all the same, as it does in JetStream: producers send again.
    if (Number(incarnation) === this.incarnation) this.onAcknowledged(durable, batch);
    consumer.pending.delete(batch.position);
    consumer.acknowledged.add(batch.position);
  }
}
