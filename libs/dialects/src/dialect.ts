import type {
  CallError,
  CallErrorType,
  CallRequest,
  CallResponse,
  FinishReason,
  StreamEvent,
  Usage,
} from '@weir/call-model';

/** The wire formats Weir can speak, on either side of a call. */
export const WIRE_DIALECTS = ['openai-chat', 'anthropic', 'bedrock-converse', 'bedrock-invoke'] as const;
export type WireDialect = (typeof WIRE_DIALECTS)[number];

/** A request that cannot be carried, in words for the person who wrote it. `param` is the path of the field. */
export interface RequestFault {
  readonly code: 'invalid_request';
  readonly param: string | null;
  readonly message: string;
}

export type ParsedRequest =
  | { readonly ok: true; readonly request: CallRequest; readonly dropped: readonly string[] }
  | { readonly ok: false; readonly fault: RequestFault };

/** What travels outside the body on Bedrock's routes: the model in the path, streaming in the operation's name. */
export interface RequestContext {
  readonly model?: string;
  readonly stream?: boolean;
}

/**
 * What the model behind a deployment accepts. From the catalog, per model and not per provider.
 * Everything optional has the default named here.
 */
export interface TargetCapabilities {
  /** The upstream's own name of the model. */
  readonly model: string;
  /** The most the model can produce; the bound sent where a dialect requires one and the caller gave none. */
  readonly maxOutputTokens: number;
  /** Whether temperature, top_p and top_k are accepted. @default true, except on Anthropic API version 2026-10-21 */
  readonly samplingAccepted?: boolean;
  /**
   * `effort`: takes a word (`reasoning_effort`, adaptive thinking). `thinking`: takes a token budget on Anthropic and Bedrock;
   * on Chat, returns `reasoning_content` and wants it back on tool turns (DeepSeek, Qwen). @default 'none'
   */
  readonly reasoning?: 'none' | 'effort' | 'thinking';
  /** Anthropic API version, e.g. `2023-06-01` or `2026-10-21`. */
  readonly apiVersion?: string;
  /** Whether signed (Claude) reasoning may be sent back. @default true on Anthropic and InvokeModel; on Converse, with reasoning 'thinking' */
  readonly signedReasoning?: boolean;
  /** Whether a JSON schema for the answer is enforced natively. @default true */
  readonly structuredOutput?: boolean;
  /** Whether cache breakpoints are accepted. @default true on Anthropic and Bedrock */
  readonly cacheBreakpoints?: boolean;
  /** Whether system messages may stand in the middle of a conversation (Anthropic). @default false */
  readonly systemMidConversation?: boolean;
  /** Chat's name for the output bound. @default 'max_completion_tokens' with reasoning 'effort', else 'max_tokens' */
  readonly maxTokensField?: 'max_tokens' | 'max_completion_tokens';
  /** Whether `stream_options.include_usage` is understood (Chat; some refuse it). @default true */
  readonly streamUsage?: boolean;
  /** Whether images are accepted; a request with one is otherwise refused. @default true */
  readonly images?: boolean;
  /** Whether tools are accepted; a request with one is otherwise refused. @default true */
  readonly tools?: boolean;
}

/** `toolNames`: upstream name → the caller's, for names the upstream would not have accepted as they were. */
export interface TranslationContext {
  readonly toolNames?: ReadonlyMap<string, string>;
  /** Chat: show the usage chunk at the end of the stream, because the caller asked for it. */
  readonly streamUsage?: boolean;
  /** The name the caller used for the model; answers carry it. Default: the upstream's. */
  readonly model?: string;
  /** Shown in errors inside a stream. */
  readonly requestId?: string;
  /** Chat answers state when they were made. Default: now. */
  readonly createdAtSeconds?: number;
}

export type WrittenRequest =
  | {
      readonly ok: true;
      /** JSON bytes, ready to be sent. On Bedrock without model and stream, which are in the path. */
      readonly body: Uint8Array;
      /** `field:reason` for everything that could not be carried, each once. */
      readonly dropped: readonly string[];
      readonly context: TranslationContext;
    }
  | { readonly ok: false; readonly fault: RequestFault };

export type ParsedResponse =
  | { readonly ok: true; readonly response: CallResponse; readonly usageMismatch?: string }
  | { readonly ok: false; readonly error: CallError };

/** Bytes of an upstream stream → neutral events. Neither method throws: bad bytes become one `error` event, then silence. */
export interface StreamDecoder {
  push(bytes: Uint8Array): StreamEvent[];
  /** The upstream closed. Without a terminal event before it, the answer is an `error` event of type `incomplete`. */
  end(): StreamEvent[];
}

/** Neutral events → bytes for the client. */
export interface StreamEncoder {
  /** The bytes this event puts on the wire now; empty where it has to wait for another. */
  encode(event: StreamEvent): Uint8Array;
  /** What was held back, and the dialect's terminal frames. Empty after an `error` event. */
  end(): Uint8Array;
}

export interface ObservedUsage {
  readonly usage: Usage | null;
  readonly usageMismatch: string | null;
  readonly finish: FinishReason | null;
  /** An error the upstream reported inside the answer. */
  readonly error: CallError | null;
  /** The answer reached its terminal marker. False: it was cut off. */
  readonly isComplete: boolean;
  readonly id: string | null;
  readonly model: string | null;
}

/** Watches an answer that passes through unchanged. Never throws and never alters. */
export interface UsageObserver {
  push(bytes: Uint8Array): void;
  /** A token of the answer has been seen. */
  readonly hasFirstToken: boolean;
  /** The upstream reported an error in its stream, or sent bytes that are no stream. */
  readonly error: CallError | null;
  result(): ObservedUsage;
}

/**
 * An observer that also says what to forward: whole frames only, so that an error frame of ours never lands in the middle of
 * one that was cut off. Never throws; after `error` it forwards nothing.
 */
export interface StreamPassthrough extends Omit<UsageObserver, 'push'> {
  /** Every frame these bytes completed, unchanged. Views of the input where possible: write before reusing it. */
  push(bytes: Uint8Array): Uint8Array;
}

/** An error as Weir knows it, to be shown to a caller in its own dialect. */
export interface DialectError {
  readonly status: number;
  readonly type: CallErrorType;
  /** Weir's code of the error, e.g. `budget_exceeded`. */
  readonly code: string;
  readonly message: string;
  readonly requestId: string;
  readonly param?: string | null;
  readonly retryAfterSeconds?: number | undefined;
  /** How the error registry wants it named in each dialect; without it the names follow from `type`. */
  readonly appearance?: {
    readonly openai: { readonly type: string; readonly code: string | null };
    readonly anthropic: string;
  };
  /** False: official clients are told not to repeat the call (`x-should-retry: false`), as for a policy or budget. */
  readonly isRetryable?: boolean;
}

export interface RenderedError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Header names in lower case. */
export type HeaderMap = Readonly<Record<string, string | undefined>>;

/** One wire format, both ways. Any two can be combined through the neutral call model. */
export interface Dialect {
  readonly name: WireDialect;
  /** Content type of a stream in this dialect. */
  readonly streamContentType: string;
  parseRequest(body: Uint8Array, context?: RequestContext): ParsedRequest;
  writeRequest(request: CallRequest, target: TargetCapabilities): WrittenRequest;
  parseResponse(body: Uint8Array, context?: TranslationContext): ParsedResponse;
  writeResponse(response: CallResponse, context?: TranslationContext): Uint8Array;
  createStreamDecoder(context?: TranslationContext): StreamDecoder;
  createStreamEncoder(context?: TranslationContext): StreamEncoder;
  createUsageObserver(options: { readonly stream: boolean }): UsageObserver;
  renderError(error: DialectError): RenderedError;
  renderStreamError(error: DialectError): Uint8Array;
  parseError(status: number, headers: HeaderMap, body: Uint8Array): CallError;
}
