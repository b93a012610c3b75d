/** Functions stay readable in one look. `describe` and `it` callbacks do not count: they are lists. */
export const functionLines = {
  meta: {
    type: 'problem',
    schema: [
      { type: 'object', properties: { max: { type: 'integer' } }, required: ['max'], additionalProperties: false },
    ],
    messages: { long: 'This function has {{lines}} lines; at most {{max}}.' },
  },
  create(context) {
    const [{ max }] = context.options;
    const check = (node) => {
      const lines = node.loc.end.line - node.loc.start.line + 1;
      if (lines > max && !isTestCallback(node)) context.report({ node, messageId: 'long', data: { lines, max } });
    };
    return { FunctionDeclaration: check, FunctionExpression: check, ArrowFunctionExpression: check };
  },
};

const TEST_CALLS = new Set([
  'describe',
  'it',
  'test',
  'suite',
  'before',
  'after',
  'beforeAll',
  'afterAll',
  'beforeEach',
  'afterEach',
]);

function isTestCallback(node) {
  const call = node.parent;
  if (call?.type !== 'CallExpression' || !call.arguments.includes(node)) return false;
  let { callee } = call;
  while (callee.type === 'MemberExpression' || callee.type === 'CallExpression')
    callee = callee.object ?? callee.callee;
  return callee.type === 'Identifier' && TEST_CALLS.has(callee.name);
}

/** Four parameters, then an object. What Nest injects, into a constructor or a module's `useFactory`, is given by name already. */
export const parameters = {
  meta: {
    type: 'problem',
    schema: [
      { type: 'object', properties: { max: { type: 'integer' } }, required: ['max'], additionalProperties: false },
    ],
    messages: { many: 'This function takes {{count}} parameters; at most {{max}}, then an object.' },
  },
  create(context) {
    const [{ max }] = context.options;
    const check = (node) => {
      const count = node.params.filter((parameter) => parameter.name !== 'this').length;
      if (count > max && !isInjected(node)) context.report({ node, messageId: 'many', data: { count, max } });
    };
    return {
      FunctionDeclaration: check,
      FunctionExpression: check,
      ArrowFunctionExpression: check,
      TSDeclareFunction: check,
      TSEmptyBodyFunctionExpression: check,
      TSFunctionType: check,
      TSMethodSignature: check,
    };
  },
};

function isInjected(node) {
  const { parent } = node;
  if (parent?.type === 'Property' && parent.key.name === 'useFactory') return true;
  return parent?.kind === 'constructor' && node.params.every((parameter) => (parameter.decorators ?? []).length > 0);
}
