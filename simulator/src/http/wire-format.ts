import type { Answer } from '../domain/answer.js';
import type { ModelRequest } from '../domain/conversation.js';
import type { SimulatedModel, WireFormatName } from '../domain/models.js';
import type { UsageBehaviour } from '../domain/directive.js';
import type { InputUsage } from '../domain/prompt-cache.js';
import type { RequestFault } from '../domain/request-fault.js';
import type { AnswerDialect } from './answer-dialect.js';
import type { Exchange, ResponseHeaders } from './exchange.js';

/** What the path and headers said, before the body is read. */
export interface CallContext {
  readonly requestId: string;
  /** The model in the path, on formats that have it there. */
  readonly pathModel: string | undefined;
  /** Whether the path asks for a stream, on formats that say it there. */
  readonly pathStreams: boolean;
  readonly header: (name: string) => string | undefined;
}

export interface AnswerContext {
  readonly request: ModelRequest;
  readonly body: unknown;
  readonly answer: Answer;
  readonly input: InputUsage;
  readonly usage: UsageBehaviour;
  readonly call: CallContext;
}

export interface RenderedFault {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: string;
}

/** A provider's API: how it reads a call, answers it and refuses it. */
export interface WireFormat {
  readonly name: WireFormatName;
  /** Whether usage tells reasoning tokens apart from other output. */
  readonly reportsReasoning: (model: SimulatedModel) => boolean;
  readonly caching: 'automatic' | 'marked';
  /** The caller's credential. @throws RequestFault where there is none or it is refused */
  authenticate(exchange: Exchange): string;
  /** @throws RequestFault */
  parse(body: unknown, call: CallContext): ModelRequest;
  dialect(context: AnswerContext): AnswerDialect;
  renderFault(fault: RequestFault, requestId: string): RenderedFault;
  /** The message the provider gives for a failure of this status that a directive asks for. */
  faultMessage(status: number): string;
}
