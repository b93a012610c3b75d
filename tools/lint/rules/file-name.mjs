import { pathInRepository } from '../paths.mjs';

const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*$/;
const FORBIDDEN_PARTS = new Set(['util', 'utils', 'helper', 'helpers', 'manager', 'managers']);
const FORBIDDEN_NAMES = new Set(['common', 'shared', 'misc']);

/** File and folder names say what is inside: kebab-case, a role as suffix, and no drawer for everything. */
export const fileName = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      kebab: "'{{name}}' is not kebab-case.",
      drawer: "'{{name}}' says nothing about what is inside: name the thing it is about.",
      index: 'Only a library has an index.ts, and only at src/index.ts.',
    },
  },
  create(context) {
    return {
      Program(node) {
        const path = pathInRepository(context.filename);
        const names = path.replace(/\.(?:d\.ts|ts|tsx|mts|cts|mjs|cjs|js)$/, '').split('/');
        for (const name of names) {
          if (!KEBAB.test(name)) context.report({ node, messageId: 'kebab', data: { name } });
          else if (isDrawer(name)) context.report({ node, messageId: 'drawer', data: { name } });
        }
        if (names.at(-1) === 'index' && !/^libs\/[^/]+\/src\/index\.ts$/.test(path))
          context.report({ node, messageId: 'index' });
      },
    };
  },
};

function isDrawer(name) {
  const parts = name.split(/[-.]/);
  return parts.some((part) => FORBIDDEN_PARTS.has(part)) || FORBIDDEN_NAMES.has(parts[0]) || FORBIDDEN_NAMES.has(name);
}
