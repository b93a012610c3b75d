import type { CallError } from '@weir/call-model';
import {
  createPassthrough,
  EventStreamDecoder,
  getDialect,
  writeSseFrame,
  type EventStreamMessage,
  type ObservedUsage,
  type StreamPassthrough,
} from '@weir/dialects';

const NOTHING = new Uint8Array(0);

/** An event of Anthropic's stream as InvokeModelWithResponseStream wraps it: `{"bytes": base64 of the event's JSON}`. */
function unwrapEvent(message: EventStreamMessage): string {
  const { bytes } = JSON.parse(Buffer.from(message.payload).toString('utf8')) as { bytes?: unknown };
  if (typeof bytes !== 'string') throw new Error('a chunk without bytes');
  return Buffer.from(bytes, 'base64').toString('utf8');
}

function eventName(json: string): string | undefined {
  const type: unknown = (JSON.parse(json) as { type?: unknown }).type;
  return typeof type === 'string' ? type : undefined;
}

/** An exception frame says by its type what an error answer says by its status. */
function errorOf(message: EventStreamMessage): CallError {
  const type = message.headers[':exception-type'] ?? message.headers[':error-code'] ?? '';
  const status = EXCEPTION_STATUS[type] ?? 500;
  return getDialect('bedrock-invoke').parseError(status, { 'x-amzn-errortype': type }, message.payload);
}

/** HTTP statuses of the exceptions inside a Bedrock stream. https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ResponseStream.html */
const EXCEPTION_STATUS: Readonly<Record<string, number>> = {
  validationException: 400,
  throttlingException: 429,
  modelStreamErrorException: 424,
  modelTimeoutException: 408,
  serviceUnavailableException: 503,
  internalServerException: 500,
};

/** Takes Amazon's framing off and puts Anthropic's on; the events themselves stay as the model wrote them. */
class InvokePassthrough implements StreamPassthrough {
  private readonly decoder = new EventStreamDecoder();
  private readonly anthropic = createPassthrough('anthropic');
  private ownError: CallError | null = null;

  push(bytes: Uint8Array): Uint8Array {
    if (this.error) return NOTHING;
    const parts: Uint8Array[] = [];
    try {
      for (const message of this.decoder.push(bytes)) {
        if (message.headers[':message-type'] !== 'event') {
          this.ownError = errorOf(message);
          break;
        }
        const json = unwrapEvent(message);
        parts.push(this.anthropic.push(writeSseFrame(json, eventName(json))));
      }
    } catch (error) {
      const message = `The provider's stream cannot be read: ${error instanceof Error ? error.message : 'unknown'}`;
      this.ownError = { type: 'malformed', message, status: 502 };
    }
    return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
  }

  get hasFirstToken(): boolean {
    return this.anthropic.hasFirstToken;
  }

  get error(): CallError | null {
    return this.ownError ?? this.anthropic.error;
  }

  result(): ObservedUsage {
    const observed = this.anthropic.result();
    return this.ownError ? { ...observed, error: this.ownError, isComplete: false } : observed;
  }
}

/** For a Claude stream behind Bedrock's InvokeModel that is forwarded to an Anthropic client. */
export function createInvokePassthrough(): StreamPassthrough {
  return new InvokePassthrough();
}
