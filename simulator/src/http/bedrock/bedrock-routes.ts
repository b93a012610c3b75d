import { openaiChat } from '../openai/openai-format.js';
import type { WireFormat } from '../wire-format.js';
export function bedrockRoute(_path: string): { format: WireFormat; pathModel: string; pathStreams: boolean } {
  return { format: openaiChat, pathModel: '', pathStreams: false };
}
