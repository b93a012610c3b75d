import type { CallEnvelopeV1, Deployment } from '@weir/contracts';
import { CALL_SIZES } from '@weir/contracts';
import {
  createInvokeToSse,
  createPassthrough,
  getDialect,
  prepareInvokeBody,
  prepareOpenAiPassthrough,
  rewriteModel,
  type Dialect,
  type RequestFault,
  type TargetCapabilities,
  type TranslationContext,
  type WireDialect,
} from '@weir/dialects';
import {
  PassthroughBodyPipe,
  PassthroughStreamPipe,
  TranslatedBodyPipe,
  TranslatedStreamPipe,
  type AnswerPipe,
} from './answer-pipe.js';
import { namesOfBetas, splitBetas } from './bedrock-betas.js';
import { anthropicVersion } from './upstream-headers.js';

/** A whole answer is read for its usage up to this size. */
const OBSERVED_BODY_BYTES_MAX = 8 * 1024 * 1024;

/** A request ready for its upstream, and how its answer is read. */
export interface PreparedCall {
  readonly body: Uint8Array;
  /** What the translation could not carry, as `field:reason`. */
  readonly dropped: readonly string[];
  /** The answer, errors included, is in the client's dialect as it comes. */
  readonly isSameDialect: boolean;
  createPipe(isStream: boolean): AnswerPipe;
}

export type Preparation =
  { readonly ok: true; readonly prepared: PreparedCall } | { readonly ok: false; readonly fault: RequestFault };

export interface PrepareInput {
  readonly envelope: CallEnvelopeV1;
  readonly deployment: Deployment;
  readonly upstream: WireDialect;
  readonly body: Uint8Array;
}

function capabilitiesOf({ envelope, deployment }: PrepareInput): TargetCapabilities {
  const { capabilities, upstreamModel, maxOutputTokens } = deployment;
  return {
    model: upstreamModel,
    maxOutputTokens,
    samplingAccepted: capabilities.samplingAccepted,
    reasoning: capabilities.reasoning,
    images: capabilities.images,
    tools: capabilities.tools,
    ...(deployment.adapter === 'anthropic' ? { apiVersion: anthropicVersion(envelope) } : {}),
  };
}

function bodyPipe(dialect: Dialect): AnswerPipe {
  const observer = dialect.createUsageObserver({ stream: false });
  return new PassthroughBodyPipe(observer, CALL_SIZES.wholeBodyMax, OBSERVED_BODY_BYTES_MAX);
}

function prepareOpenAi({ deployment, body }: PrepareInput): PreparedCall {
  const prepared = prepareOpenAiPassthrough(body, deployment.upstreamModel);
  const { hideUsageChunk } = prepared;
  return {
    body: prepared.body,
    dropped: [],
    isSameDialect: true,
    createPipe: (isStream) =>
      isStream
        ? new PassthroughStreamPipe(createPassthrough('openai-chat', { hideUsageChunk }))
        : bodyPipe(getDialect('openai-chat')),
  };
}

function prepareAnthropic({ deployment, body }: PrepareInput): PreparedCall {
  return {
    body: rewriteModel(body, deployment.upstreamModel),
    dropped: [],
    isSameDialect: true,
    createPipe: (isStream) =>
      isStream ? new PassthroughStreamPipe(createPassthrough('anthropic')) : bodyPipe(getDialect('anthropic')),
  };
}

/** The body is Anthropic's own; only a stream's framing differs, and errors, which are Amazon's. */
function prepareInvoke({ envelope, body }: PrepareInput): PreparedCall {
  const { betas, dropped } = splitBetas(envelope.headers['anthropic-beta']);
  return {
    body: prepareInvokeBody(body, betas),
    dropped,
    isSameDialect: false,
    createPipe: (isStream) =>
      isStream ? new PassthroughStreamPipe(createInvokeToSse()) : bodyPipe(getDialect('anthropic')),
  };
}

/** Beta features are Anthropic's own: no other protocol has a place for their names. */
function droppedBetas({ headers }: CallEnvelopeV1): string[] {
  return namesOfBetas(headers['anthropic-beta']).map((name) => `anthropic-beta.${name}:another protocol`);
}

function prepareTranslation(input: PrepareInput): Preparation {
  const { envelope, upstream, body } = input;
  const client = getDialect(envelope.dialect);
  const target = getDialect(upstream);
  const parsed = client.parseRequest(body, { model: envelope.modelRequested, stream: envelope.stream });
  if (!parsed.ok) return parsed;
  const written = target.writeRequest(parsed.request, capabilitiesOf(input));
  if (!written.ok) return written;
  const context: TranslationContext = {
    ...written.context,
    model: envelope.modelRequested,
    requestId: envelope.callId,
    streamUsage: parsed.request.streamUsage ?? false,
  };
  const prepared: PreparedCall = {
    body: written.body,
    dropped: [...new Set([...parsed.dropped, ...written.dropped, ...droppedBetas(envelope)])],
    isSameDialect: false,
    createPipe: (isStream) =>
      isStream
        ? new TranslatedStreamPipe(
            target.createStreamDecoder(context),
            client.createStreamEncoder(context),
            envelope.callId,
          )
        : new TranslatedBodyPipe(target, client, context, envelope.callId),
  };
  return { ok: true, prepared };
}

/**
 * Makes the upstream's request from the client's bytes. Where both speak the same dialect only the model's name changes (and a Chat stream is
 * asked for its usage); between dialects the call goes through the neutral model.
 * @throws JsonSyntaxError for bytes that ingress should have refused
 */
export function prepareCall(input: PrepareInput): Preparation {
  const { upstream, envelope } = input;
  if (upstream === envelope.dialect) {
    return { ok: true, prepared: upstream === 'anthropic' ? prepareAnthropic(input) : prepareOpenAi(input) };
  }
  if (upstream === 'bedrock-invoke') return { ok: true, prepared: prepareInvoke(input) };
  return prepareTranslation(input);
}
