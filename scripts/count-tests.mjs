/**
 * A reporter for node:test that writes one line of JSON at the end: `{"passed":3,"failed":0,"skipped":0}`.
 * Suites are not counted, only what they hold; a test that is skipped or still to be written counts as skipped.
 */
// eslint-disable-next-line no-restricted-syntax -- node:test takes a reporter as the default export of its module
export default async function* countTests(events) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const { type, data } of events) {
    const isEnd = type === 'test:pass' || type === 'test:fail';
    if (!isEnd || data.details?.type === 'suite') continue;
    if (data.skip !== undefined || data.todo !== undefined) counts.skipped += 1;
    else if (type === 'test:pass') counts.passed += 1;
    else counts.failed += 1;
  }
  yield JSON.stringify(counts);
}
