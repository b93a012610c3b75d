import { dirname, posix } from 'node:path';
import { pathInRepository } from '../paths.mjs';

/**
 * Visits everything that loads a module: import and export declarations, `import()`, `import('…')` types and `require()`.
 *
 * @param {(reference: { source: string, node: object, typeOnly: boolean }) => void} visit
 */
export function importVisitor(visit) {
  const declaration = (node) => {
    if (typeof node.source?.value !== 'string') return;
    visit({ source: node.source.value, node: node.source, typeOnly: isTypeOnly(node) });
  };
  return {
    ImportDeclaration: declaration,
    ExportNamedDeclaration: declaration,
    ExportAllDeclaration: declaration,
    ImportExpression: declaration,
    TSImportType(node) {
      const literal = node.source ?? node.argument?.literal;
      if (typeof literal?.value === 'string') visit({ source: literal.value, node, typeOnly: true });
    },
    'CallExpression[callee.name="require"]'(node) {
      const [argument] = node.arguments;
      if (typeof argument?.value === 'string') visit({ source: argument.value, node: argument, typeOnly: false });
    },
  };
}

function isTypeOnly(node) {
  if (node.importKind === 'type' || node.exportKind === 'type') return true;
  const { specifiers } = node;
  if (!Array.isArray(specifiers) || specifiers.length === 0) return false;
  return specifiers.every((specifier) => specifier.importKind === 'type' || specifier.exportKind === 'type');
}

/** `@scope/name` or `name` of a package import, `node:x` for Node's own modules, undefined for a relative one. */
export function packageOf(source) {
  if (source.startsWith('.') || source.startsWith('/')) return undefined;
  const parts = source.split('/');
  return source.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
}

/** The repository path a relative import points at (as written, without guessing its extension), else undefined. */
export function targetOf(source, filename) {
  if (!source.startsWith('.')) return undefined;
  return posix.normalize(posix.join(pathInRepository(dirname(filename)), source));
}
