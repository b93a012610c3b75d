import { ENVIRONMENT_PLACES } from '../drivers.mjs';
import { matchesAny, pathInRepository } from '../paths.mjs';

/** The environment is read in settings.ts and handed on as a typed value. */
export const environment = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { misplaced: 'The environment is read only in {{places}}; take the setting as an argument.' },
  },
  create(context) {
    if (matchesAny(pathInRepository(context.filename), ENVIRONMENT_PLACES)) return {};
    const report = (node) =>
      context.report({ node, messageId: 'misplaced', data: { places: ENVIRONMENT_PLACES.join(', ') } });
    return {
      MemberExpression(node) {
        const name = node.computed ? node.property.value : node.property.name;
        if (name === 'env' && isProcess(node.object)) report(node);
      },
      VariableDeclarator(node) {
        if (node.id.type !== 'ObjectPattern' || !isProcess(node.init)) return;
        for (const property of node.id.properties) {
          if (property.type === 'Property' && property.key.name === 'env') report(property);
        }
      },
      ImportDeclaration(node) {
        if (node.source.value !== 'node:process' && node.source.value !== 'process') return;
        for (const specifier of node.specifiers) {
          if (specifier.type === 'ImportSpecifier' && specifier.imported.name === 'env') report(specifier);
        }
      },
    };
  },
};

function isProcess(node) {
  if (node?.type === 'Identifier') return node.name === 'process';
  if (node?.type !== 'MemberExpression') return false;
  return (node.property.name ?? node.property.value) === 'process' && node.object.name === 'globalThis';
}
