/** Verifies the record of a stack once for each message, for tests that do so a thousand times: what `weir audit verify` prints is sent back. */
import { openStack } from './stack-access.js';
import { verifyOnline } from './verify-online.js';

interface Request {
  readonly settleMs: number;
  readonly threads: number | undefined;
}

const access = await openStack(process.argv[2] ?? '');
process.on('message', ({ settleMs, threads }: Request) => {
  void verifyOnline(access, { from: undefined, to: undefined, publicKey: undefined, settleMs, threads }).then(
    (report) => process.send?.({ report }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on('disconnect', () => void access.close());
