const DIRECTIVE = /^\s*eslint-disable(?:-next-line|-line)?\b(.*)$/s;

/** A disabled rule is named and carries its reason after `--`. */
export const disableReason = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      unnamed: 'Name the rule that is disabled.',
      unexplained: "Say why after ' -- ': a disabled rule carries its reason.",
    },
  },
  create(context) {
    return {
      Program() {
        for (const comment of context.sourceCode.getAllComments()) {
          const directive = DIRECTIVE.exec(comment.value);
          if (directive === null) continue;
          const [rules = '', reason = ''] = directive[1].split(/\s-{2,}\s/, 2);
          // Column -1 lies before the comment, where the comment itself cannot silence the report.
          const loc = { start: { line: comment.loc.start.line, column: -1 }, end: comment.loc.end };
          const report = (messageId) => context.report({ loc, messageId });
          if (rules.trim() === '') report('unnamed');
          if (reason.trim().length < 10) report('unexplained');
        }
      },
    };
  },
};
