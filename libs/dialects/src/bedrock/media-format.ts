/** Converse names formats where others name media types. */
const IMAGE_FORMATS: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpeg',
  'image/jpg': 'jpeg',
  'image/gif': 'gif',
  'image/webp': 'webp',
};

const DOCUMENT_FORMATS: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf',
  'text/csv': 'csv',
  'application/msword': 'doc',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.ms-excel': 'xls',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'text/html': 'html',
  'text/plain': 'txt',
  'text/markdown': 'md',
};

export function findImageFormat(mediaType: string): string | undefined {
  return IMAGE_FORMATS[essenceOf(mediaType)];
}

export function findDocumentFormat(mediaType: string): string | undefined {
  return DOCUMENT_FORMATS[essenceOf(mediaType)];
}

export function mediaTypeOfImage(format: string): string {
  return `image/${format}`;
}

export function mediaTypeOfDocument(format: string | undefined): string {
  return Object.entries(DOCUMENT_FORMATS).find(([, name]) => name === format)?.[0] ?? 'application/octet-stream';
}

/** Without parameters such as `charset`. */
function essenceOf(mediaType: string): string {
  return (mediaType.split(';')[0] ?? '').trim().toLowerCase();
}

const DOCUMENT_NAME_MAX = 200;

/**
 * A document's name as Converse allows it: letters, digits, single spaces, hyphens, parentheses and square brackets. Nothing left means `document`.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html
 */
export function sanitizeDocumentName(name: string): string {
  const allowed = name
    .replace(/[^a-zA-Z0-9\s\-()[\]]/g, '-')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, DOCUMENT_NAME_MAX)
    .trim();
  return /[a-zA-Z0-9]/.test(allowed) ? allowed : 'document';
}
