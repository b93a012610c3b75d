const TESTS = new Set(['describe', 'it', 'test', 'suite']);
const SKIPS = new Set(['skip', 'only', 'todo', 'skipIf', 'runIf']);

/** A test runs or fails; none is skipped, focused or promised. */
export const noSkippedTests = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { skipped: "'{{name}}' leaves tests out silently: a test runs or it fails." },
  },
  create(context) {
    return {
      MemberExpression(node) {
        if (node.object.type !== 'Identifier' || node.computed) return;
        const isTest = TESTS.has(node.object.name) && SKIPS.has(node.property.name);
        // node:test hands a context to each test.
        const isContext =
          /^(?:t|context|testContext)$/.test(node.object.name) && /^(?:skip|todo)$/.test(node.property.name);
        if (isTest || (isContext && node.parent.type === 'CallExpression' && node.parent.callee === node)) {
          context.report({ node, messageId: 'skipped', data: { name: `${node.object.name}.${node.property.name}` } });
        }
      },
      // describe('…', { skip: true }, …) of node:test.
      'CallExpression > ObjectExpression > Property[key.name=/^(?:skip|only|todo)$/]'(node) {
        const call = node.parent.parent;
        if (call.callee.type === 'Identifier' && TESTS.has(call.callee.name)) {
          context.report({ node, messageId: 'skipped', data: { name: node.key.name } });
        }
      },
      'CallExpression[callee.name=/^(?:xit|xdescribe|xtest|fit|fdescribe)$/]'(node) {
        context.report({ node, messageId: 'skipped', data: { name: node.callee.name } });
      },
    };
  },
};
