import type { CallError, CallErrorType } from '@weir/call-model';
import type { DialectError, HeaderMap, RenderedError } from '../dialect.js';
import { decodeText } from '../framing/bytes.js';
import { writeEventStreamMessage, type EventStreamMessage } from '../framing/event-stream.js';
import { errorHeaders, errorOfAnswer } from '../translation/error-types.js';
import { encodeJson, findJsonObject, stringOf } from '../translation/json.js';

/*
 * {message} and x-amzn-errortype; in a stream a message of type `exception`.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html#API_runtime_ConverseStream_Errors
 */

const TO_BEDROCK: Readonly<Record<CallErrorType, string>> = {
  invalid_request: 'ValidationException',
  authentication: 'AccessDeniedException',
  permission: 'AccessDeniedException',
  billing: 'ServiceQuotaExceededException',
  not_found: 'ResourceNotFoundException',
  too_large: 'ValidationException',
  context_length: 'ValidationException',
  rate_limit: 'ThrottlingException',
  overloaded: 'ServiceUnavailableException',
  timeout: 'ModelTimeoutException',
  content_policy: 'ValidationException',
  api: 'InternalServerException',
  malformed: 'ModelErrorException',
  incomplete: 'ModelErrorException',
};

/** By exception name without its first letter's case: headers write `ThrottlingException`, streams `throttlingException`. */
const FROM_BEDROCK: Readonly<Record<string, readonly [type: CallErrorType, status: number]>> = {
  validationexception: ['invalid_request', 400],
  accessdeniedexception: ['permission', 403],
  unrecognizedclientexception: ['authentication', 403],
  resourcenotfoundexception: ['not_found', 404],
  modeltimeoutexception: ['timeout', 408],
  modelerrorexception: ['api', 424],
  modelstreamerrorexception: ['api', 424],
  modelnotreadyexception: ['overloaded', 429],
  throttlingexception: ['rate_limit', 429],
  servicequotaexceededexception: ['rate_limit', 429],
  internalserverexception: ['api', 500],
  serviceunavailableexception: ['overloaded', 503],
};

/** Events a stream may carry as exceptions; anything else is shown as the model's stream error. */
const STREAM_EXCEPTIONS: ReadonlySet<string> = new Set([
  'InternalServerException',
  'ModelTimeoutException',
  'ServiceUnavailableException',
  'ThrottlingException',
  'ValidationException',
]);

export function renderBedrockError(error: DialectError): RenderedError {
  return {
    status: error.status,
    headers: { ...errorHeaders(error, 'x-amzn-requestid'), 'x-amzn-errortype': TO_BEDROCK[error.type] },
    body: encodeJson({ message: error.message }),
  };
}

/** An exception message, on which the AWS SDK throws. Nothing may follow it. */
export function renderBedrockStreamError(error: DialectError): Uint8Array {
  const name = TO_BEDROCK[error.type];
  const shown = STREAM_EXCEPTIONS.has(name) ? name : 'ModelStreamErrorException';
  const exception = shown.charAt(0).toLowerCase() + shown.slice(1);
  return writeEventStreamMessage(
    { ':exception-type': exception, ':content-type': 'application/json', ':message-type': 'exception' },
    encodeJson({ message: error.message }),
  );
}

/** The error an event-stream message stands for; undefined for an ordinary event. */
export function findEventError(message: EventStreamMessage): CallError | undefined {
  const { headers, payload } = message;
  const kind = headers[':message-type'];
  if (kind !== 'exception' && kind !== 'error') return undefined;
  const name = headers[':exception-type'] ?? headers[':error-code'] ?? 'unknown';
  const json = findJsonObject(decodeText(payload));
  const [type, status] = FROM_BEDROCK[name.toLowerCase()] ?? (['api', 500] as const);
  const text = stringOf(json?.['message']) ?? stringOf(json?.['Message']) ?? headers[':error-message'];
  return { type, status, message: text ?? `The provider reported ${name}.`, code: name };
}

/** An upstream's error answer. The exception's name is in a header or, with older services, in `__type`. */
export function parseBedrockError(status: number, headers: HeaderMap, body: Uint8Array): CallError {
  const json = findJsonObject(decodeText(body));
  // `ValidationException:http://internal.amazon.com/…` and `com.amazon…#ValidationException` both occur.
  const name = (headers['x-amzn-errortype'] ?? stringOf(json?.['__type']))?.split(':')[0]?.split('#').at(-1);
  return errorOfAnswer(status, headers, {
    type: FROM_BEDROCK[name?.toLowerCase() ?? '']?.[0],
    message: stringOf(json?.['message']) ?? stringOf(json?.['Message']),
    code: name,
  });
}
