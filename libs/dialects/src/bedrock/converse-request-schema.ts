import { z } from 'zod';
import { WireObject } from '../translation/wire-object.js';

/*
 * Converse's request body as JSON (blobs are base64). Content blocks are objects with one key that names their type.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 */
const CachePoint = z.looseObject({ type: z.string(), ttl: z.enum(['5m', '1h']).nullish() });

const BlobSource = z.looseObject({ bytes: z.string().optional(), text: z.string().optional() });
const Image = z.looseObject({ format: z.string(), source: BlobSource });
const Document = z.looseObject({ format: z.string().optional(), name: z.string().optional(), source: BlobSource });

const ToolResultContent = z.looseObject({
  text: z.string().optional(),
  json: z.unknown().optional(),
  image: Image.optional(),
  document: Document.optional(),
});

const ContentBlock = z.looseObject({
  text: z.string().optional(),
  image: Image.optional(),
  document: Document.optional(),
  toolUse: z.looseObject({ toolUseId: z.string(), name: z.string(), input: z.unknown() }).optional(),
  toolResult: z
    .looseObject({ toolUseId: z.string(), content: z.array(ToolResultContent), status: z.string().nullish() })
    .optional(),
  reasoningContent: z
    .looseObject({
      reasoningText: z.looseObject({ text: z.string(), signature: z.string().nullish() }).optional(),
      redactedContent: z.string().optional(),
    })
    .optional(),
  cachePoint: CachePoint.optional(),
});
export type ConverseBlock = z.infer<typeof ContentBlock>;
export type ConverseImage = z.infer<typeof Image>;
export type ConverseDocument = z.infer<typeof Document>;

const Tool = z.looseObject({
  toolSpec: z
    .looseObject({
      name: z.string().min(1),
      description: z.string().nullish(),
      inputSchema: z.looseObject({ json: WireObject }),
      strict: z.boolean().nullish(),
    })
    .optional(),
  cachePoint: CachePoint.optional(),
});

export const ConverseRequest = z.looseObject({
  messages: z.array(z.looseObject({ role: z.enum(['user', 'assistant']), content: z.array(ContentBlock) })).min(1),
  system: z.array(z.looseObject({ text: z.string().optional(), cachePoint: CachePoint.optional() })).nullish(),
  inferenceConfig: z
    .looseObject({
      maxTokens: z.int().min(1).nullish(),
      temperature: z.number().nullish(),
      topP: z.number().nullish(),
      stopSequences: z.array(z.string()).nullish(),
    })
    .nullish(),
  toolConfig: z
    .looseObject({
      tools: z.array(Tool),
      toolChoice: z
        .looseObject({
          auto: z.looseObject({}).optional(),
          any: z.looseObject({}).optional(),
          tool: z.looseObject({ name: z.string() }).optional(),
        })
        .nullish(),
    })
    .nullish(),
  outputConfig: z
    .looseObject({
      effort: z.string().nullish(),
      textFormat: z
        .looseObject({
          structure: z.looseObject({
            jsonSchema: z
              .looseObject({ schema: z.string(), name: z.string().nullish(), description: z.string().nullish() })
              .optional(),
          }),
        })
        .nullish(),
    })
    .nullish(),
  additionalModelRequestFields: WireObject.nullish(),
  requestMetadata: z.record(z.string(), z.string()).nullish(),
});
export type ConverseRequest = z.infer<typeof ConverseRequest>;

export const CONVERSE_REQUEST_FIELDS: ReadonlySet<string> = new Set(Object.keys(ConverseRequest.shape));
