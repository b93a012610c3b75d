import { ChildNeverReady } from '../adapters/managed-child.js';
import { StartFault, parseStartOptions } from '../settings.js';
import { renderBanner } from './banner.js';
import { Stack } from './stack.js';
import { Terminal } from './terminal.js';

// The supervisor is a detached process of its own: whatever ends the launcher (Ctrl-C, SIGTERM to npm, SIGKILL), its channel closes
// here and everything drains in order.

const terminal = new Terminal(process.stdout);

function explain(error: unknown): void {
  if (error instanceof StartFault) {
    terminal.say(`\n✗ ${error.what}\n  ${error.cure}\n`);
  } else if (error instanceof ChildNeverReady) {
    const lines = error.lastLines.map((line) => `    ${line.slice(0, 400)}`).join('\n');
    terminal.say(`\n✗ ${error.childName} ${error.reason}. The end of its log:\n${lines}`);
    terminal.say(`  The cure is usually in these lines; the whole log is ${error.logFile}\n`);
  } else {
    terminal.say(`\n✗ ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  }
}

async function main(): Promise<void> {
  const started = performance.now();
  const stack = new Stack(parseStartOptions(process.argv.slice(2)), terminal, process.ppid);
  let ending: Promise<void> | undefined;
  const end = (reason: string, exitCode: number) => {
    if (ending !== undefined) return;
    terminal.say(`\n• ${reason}: stopping in order${stack.hasServices ? '; streams of clients have up to 30 s' : ''}`);
    ending = stack.drain().then(
      () => process.exit(exitCode),
      (error: unknown) => {
        explain(error);
        process.exit(1);
      },
    );
  };
  process.on('message', (message) => {
    if (message === 'drain') end('stopping', 0);
    if (message === 'hurry') stack.hurry();
  });
  process.once('disconnect', () => end('the process that started Weir is gone', 0));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(signal, 0));
  try {
    await stack.start();
  } catch (error) {
    // A start that was interrupted fails by its own abort; that is no news.
    if (ending !== undefined) return;
    explain(error);
    end('the start failed', 1);
    return;
  }
  process.send?.('ready');
  terminal.say(renderBanner(stack.connection, stack.configurationFile, performance.now() - started));
}

try {
  await main();
} catch (error) {
  explain(error);
  process.exit(1);
}
