import { RequestFault } from '../../domain/request-fault.js';
import { bearerToken, refuseInvalid } from '../credentials.js';
import type { WireFormat } from '../wire-format.js';
import { chatDialect } from './openai-answer.js';
import { chatFaultMessage, renderChatFault } from './openai-errors.js';
import { parseChatRequest } from './openai-request.js';

export const openaiChat: WireFormat = {
  name: 'openai-chat',
  reportsReasoning: () => true,
  caching: 'automatic',
  authenticate: (exchange) => {
    const token = bearerToken(exchange) ?? exchange.header('api-key');
    if (token === undefined) {
      throw new RequestFault(
        401,
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth.",
      );
    }
    return refuseInvalid(token, chatFaultMessage(401));
  },
  parse: parseChatRequest,
  dialect: chatDialect,
  renderFault: renderChatFault,
  faultMessage: chatFaultMessage,
};
