import { connect, type Socket } from 'node:net';
import { eventually, type Connection } from '@weir/testing';
import { expect } from 'expect';
import { request, type Dispatcher } from 'undici';

/** An answer of the gateway, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface Message {
  readonly method?: Dispatcher.HttpMethod;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** A request with the stack's own key, unless `headers` bring another. */
export async function send(connection: Connection, message: Message): Promise<Answer> {
  const { method = 'POST', path, headers = {}, body } = message;
  const hasKey = ['authorization', 'x-api-key', 'api-key'].some((name) => name in headers);
  const key = hasKey ? {} : { authorization: `Bearer ${connection.gateway.key}` };
  const answer = await request(new URL(path, connection.gateway.url), {
    method,
    headers: { ...JSON_TYPE, ...key, ...headers },
    ...(body === undefined ? {} : { body }),
  });
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
}

export function sendWithoutKey(connection: Connection, message: Message): Promise<Answer> {
  return send(connection, { ...message, headers: { 'api-key': '', ...message.headers } });
}

export const chat = (content: string, more: object = {}): string =>
  JSON.stringify({ model: 'sim-openai', messages: [{ role: 'user', content }], ...more });

export const message = (content: string, more: object = {}): string =>
  JSON.stringify({ model: 'sim-anthropic', max_tokens: 100, messages: [{ role: 'user', content }], ...more });

export function idOf(answer: Pick<Answer, 'headers'>): string {
  const id = answer.headers['x-request-id'];
  if (typeof id !== 'string') throw new Error('an answer without x-request-id');
  return id;
}

/** What an error must look like. */
export interface ExpectedError {
  readonly status: number;
  /** The registry's code: what the record says, and OpenAI clients see where `openaiCode` is absent. */
  readonly code: string;
  readonly openaiCode?: string;
  readonly openaiType?: string;
  readonly param?: string | null;
  readonly anthropicType?: string;
}

/** Each SDK shows only its own request id; both are the record's `call_id`. */
function expectIds(answer: Answer): void {
  expect(idOf(answer)).toMatch(/^[0-9a-f-]{36}$/);
  expect(answer.headers['request-id']).toBe(idOf(answer));
}

export function expectOpenAiError(answer: Answer, expected: ExpectedError): void {
  const { status, code, openaiCode = code, openaiType = 'invalid_request_error', param = null } = expected;
  expect(answer.status).toBe(status);
  expectIds(answer);
  const { error } = JSON.parse(answer.text) as { error: Record<string, unknown> };
  expect(error).toMatchObject({ type: openaiType, param, code: openaiCode });
  expect(typeof error['message']).toBe('string');
}

export function expectAnthropicError(answer: Answer, expected: ExpectedError): void {
  expect(answer.status).toBe(expected.status);
  expectIds(answer);
  const type = expected.anthropicType ?? 'invalid_request_error';
  expect(JSON.parse(answer.text)).toMatchObject({ type: 'error', error: { type }, request_id: idOf(answer) });
}

/** One row of the view `calls`, as people see it. */
export interface CallRow {
  readonly call_id: string;
  readonly state: string;
  readonly status: number | null;
  readonly error_code: string | null;
  readonly dialect: string;
  readonly key_id: string | null;
  readonly model_requested: string | null;
  readonly provider: string | null;
  readonly usage_source: string;
  readonly cost: string;
  readonly attempts: number;
  readonly response_bytes: string | number;
  readonly request_bytes: string | number;
  readonly latency_ms: number | null;
  readonly first_token_ms: number | null;
  readonly reconstructed: boolean;
  readonly application: string;
}

export async function query<Row>(
  connection: Connection,
  sql: string,
  parameters: Record<string, string> = {},
): Promise<Row[]> {
  const { url, user, password, database } = connection.clickhouse;
  const address = new URL(url);
  address.searchParams.set('database', database);
  address.searchParams.set('default_format', 'JSONEachRow');
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(`param_${name}`, value);
  const answer = await request(address, {
    method: 'POST',
    headers: { 'x-clickhouse-user': user, 'x-clickhouse-key': password },
    body: sql,
  });
  const text = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(`ClickHouse answered ${answer.statusCode}: ${text}`);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}

/** The record of a call once it has landed as ended or refused. */
export function recordOf(connection: Connection, callId: string, timeoutMs = 20_000): Promise<CallRow> {
  return eventually(
    async () => {
      const rows = await query<CallRow>(connection, 'SELECT * FROM calls WHERE call_id = {id:String}', { id: callId });
      const ended = rows.filter((row) => row.state !== 'open');
      const [row] = ended;
      if (ended.length !== 1 || !row)
        throw new Error(`${ended.length} records of call ${callId}: ${JSON.stringify(rows)}`);
      return row;
    },
    { timeoutMs, everyMs: 100 },
  );
}

/** The refusal of a request is in the record: what it was, and that it cost nothing. */
export async function expectRecordedRefusal(
  connection: Connection,
  answer: Answer,
  { status, code }: ExpectedError,
): Promise<void> {
  const row = await recordOf(connection, idOf(answer));
  expect(row).toMatchObject({ state: 'refused', status, error_code: code, provider: null, attempts: 0 });
  expect(Number(row.cost)).toBe(0);
}

/** Resident memory of a service's process. */
export async function residentMegabytes(connection: Connection, name: string): Promise<number> {
  const [service] = connection.services[name] ?? [];
  if (!service) throw new Error(`${name} does not run`);
  const metrics = await (await fetch(service.metricsUrl)).text();
  const bytes = /^process_resident_memory_bytes(?:\{[^}]*\})? (\S+)$/m.exec(metrics)?.[1];
  if (bytes === undefined) throw new Error(`${name} does not say how much memory it takes`);
  return Number(bytes) / (1024 * 1024);
}

/** Processes that have just started take longer for their first calls than the protocol's intervals at a tenth allow. */
export async function warmUp(connection: Connection): Promise<void> {
  await eventually(
    async () => {
      await expectStillServing(connection);
      const anthropic = await send(connection, { path: '/v1/messages', body: message('hello') });
      expect(anthropic.status).toBe(200);
    },
    { timeoutMs: 60_000 },
  );
}

/** The process answers the next call as if nothing had been. */
export async function expectStillServing(connection: Connection): Promise<void> {
  // With its text, so that a test that waits for this says what stood in the way.
  const answer = await send(connection, { path: '/v1/chat/completions', body: chat('hello') });
  expect(answer).toMatchObject({ status: 200 });
}

/** A bare connection to the gateway, for what no HTTP client would send or do. */
export class RawClient {
  private received = Buffer.alloc(0);
  private bytes = 0;
  private keptBytesMax = Number.POSITIVE_INFINITY;
  private ended = false;

  private constructor(readonly socket: Socket) {
    socket.on('data', (bytes: Buffer) => {
      this.bytes += bytes.length;
      this.received = Buffer.concat([this.received, bytes]).subarray(-this.keptBytesMax);
    });
    socket.on('close', () => (this.ended = true));
    // A reset by the gateway is one of the ways to end; `isClosed` tells.
    socket.on('error', () => (this.ended = true));
  }

  static async open(connection: Connection): Promise<RawClient> {
    const { hostname, port } = new URL(connection.gateway.url);
    const socket = connect(Number(port), hostname);
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new RawClient(socket);
  }

  get text(): string {
    return this.received.toString('utf8');
  }

  /** The body received so far, its chunks (RFC 9112 §7.1) put together; for answers whose beginning was kept. */
  get body(): string {
    const parts: Buffer[] = [];
    let at = this.received.indexOf('\r\n\r\n') + 4;
    for (;;) {
      const end = this.received.indexOf('\r\n', at);
      const size = end < 0 ? 0 : Number.parseInt(this.received.toString('latin1', at, end), 16);
      if (!(size > 0)) return Buffer.concat(parts).toString('utf8');
      parts.push(this.received.subarray(end + 2, end + 2 + size));
      at = end + 2 + size + 2;
    }
  }

  get receivedBytes(): number {
    return this.bytes;
  }

  /** From here on only the end of what comes is kept: for answers that are large. */
  keepTail(): void {
    this.keptBytesMax = 4_096;
  }

  write(text: string | Uint8Array): void {
    this.socket.write(text);
  }

  /** Waits until what was received holds `part`. */
  async until(part: string | RegExp, timeoutMs = 10_000): Promise<string> {
    return eventually(
      () => {
        const holds = typeof part === 'string' ? this.text.includes(part) : part.test(this.text);
        if (!holds) throw new Error(`no ${String(part)} in: ${this.text.slice(-1_000)}`);
        return this.text;
      },
      { timeoutMs, everyMs: 5 },
    );
  }

  untilClosed(timeoutMs = 10_000): Promise<void> {
    return eventually(
      () => {
        if (!this.ended) throw new Error('the connection is still open');
      },
      { timeoutMs },
    );
  }

  close(): void {
    this.socket.destroy();
  }
}

export function rawRequest(connection: Connection, head: readonly string[], body = ''): string {
  const lines = [...head, `Authorization: Bearer ${connection.gateway.key}`];
  if (body !== '') lines.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`);
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** A stream that the simulator's directive steers, over a connection of its own. */
export async function openChat(connection: Connection, directive: string): Promise<RawClient> {
  const client = await RawClient.open(connection);
  client.write(
    rawRequest(
      connection,
      ['POST /v1/chat/completions HTTP/1.1', 'Host: x'],
      chat(`[[sim ${directive}]]`, { stream: true }),
    ),
  );
  return client;
}

export async function openMessage(connection: Connection, directive: string): Promise<RawClient> {
  const client = await RawClient.open(connection);
  const body = message(`[[sim ${directive}]]`, { stream: true, max_tokens: 10_000 });
  client.write(
    rawRequest(connection, ['POST /v1/messages HTTP/1.1', 'Host: x', 'anthropic-version: 2023-06-01'], body),
  );
  return client;
}

export function callIdOf(client: RawClient): string {
  const id = /^x-request-id: (\S+)$/im.exec(client.text)?.[1];
  if (id === undefined) throw new Error(`no x-request-id in ${client.text}`);
  return id;
}
