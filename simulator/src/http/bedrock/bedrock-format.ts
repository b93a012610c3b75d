import type { ModelRequest } from '../../domain/conversation.js';
import { getModel } from '../../domain/models.js';
import { RequestFault } from '../../domain/request-fault.js';
import { parseMessagesBody } from '../anthropic/anthropic-request.js';
import { bearerToken, refuseInvalid } from '../credentials.js';
import type { Exchange } from '../exchange.js';
import { requireObject } from '../fields.js';
import type { CallContext, WireFormat } from '../wire-format.js';
import { bedrockFaultMessage, renderBedrockFault } from './bedrock-errors.js';
import { converseDialect } from './converse-answer.js';
import { parseConverseBody } from './converse-request.js';
import { invokeDialect } from './invoke-answer.js';

const claudeVersion = 'bedrock-2023-05-31';

const common = {
  caching: 'marked',
  authenticate,
  renderFault: renderBedrockFault,
  faultMessage: bedrockFaultMessage,
} as const;

const bedrockConverse: WireFormat = {
  ...common,
  name: 'bedrock-converse',
  reportsReasoning: () => false,
  parse: (body, call) => {
    const model = getModel(call.pathModel, 'bedrock-converse');
    return parseConverseBody(requireObject(body, 'body'), {
      model,
      format: 'bedrock-converse',
      stream: call.pathStreams,
    });
  },
  dialect: converseDialect,
};

const bedrockInvoke: WireFormat = {
  ...common,
  name: 'bedrock-invoke',
  reportsReasoning: (model) => model.owner === 'anthropic',
  parse: parseInvokeRequest,
  dialect: invokeDialect,
};

/** Authentication is by key id or bearer token; signatures are not verified. */
function authenticate(exchange: Exchange): string {
  const keyId = /^AWS4-HMAC-SHA256\s.*Credential=([^/,\s]+)/.exec(exchange.header('authorization') ?? '')?.[1];
  const credential = keyId ?? bearerToken(exchange);
  if (credential === undefined) {
    throw new RequestFault(403, 'Missing Authentication Token', { code: 'MissingAuthenticationTokenException' });
  }
  return refuseInvalid(credential, bedrockFaultMessage(401));
}

function parseInvokeRequest(body: unknown, call: CallContext): ModelRequest {
  const model = getModel(call.pathModel, 'bedrock-invoke');
  const fields = requireObject(body, 'body');
  const place = { model, format: 'bedrock-invoke', stream: call.pathStreams } as const;
  if (model.owner !== 'anthropic') return parseConverseBody(fields, place);
  if (fields['anthropic_version'] !== claudeVersion) {
    throw new RequestFault(400, `anthropic_version: must be "${claudeVersion}"`);
  }
  const foreign = ['model', 'stream'].filter((name) => name in fields);
  if (foreign.length > 0) throw new RequestFault(400, `${foreign.join(', ')}: Extra inputs are not permitted`);
  return parseMessagesBody(fields, place);
}

const operations: Record<string, { readonly format: WireFormat; readonly pathStreams: boolean }> = {
  converse: { format: bedrockConverse, pathStreams: false },
  'converse-stream': { format: bedrockConverse, pathStreams: true },
  invoke: { format: bedrockInvoke, pathStreams: false },
  'invoke-with-response-stream': { format: bedrockInvoke, pathStreams: true },
};

export const bedrockPath = /\/model\/([^/]+)\/(converse|converse-stream|invoke|invoke-with-response-stream)\/?$/;

export interface BedrockCall {
  readonly format: WireFormat;
  readonly pathModel: string;
  readonly pathStreams: boolean;
}

/** What a path that matches `bedrockPath` asks for. Model ids hold `:` and `/`, escaped once. */
export function bedrockCallOf(path: string): BedrockCall {
  const match = bedrockPath.exec(path);
  const operation = operations[match?.[2] ?? ''];
  if (match === null || operation === undefined) throw new Error(`not a Bedrock path: ${path}`);
  return { ...operation, pathModel: decodeOnce(match[1] ?? '') };
}

function decodeOnce(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
