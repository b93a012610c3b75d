import { readSettings } from './settings.js';
import { startSimulator, type RunningSimulator } from './simulator.js';

/** Drains on SIGTERM, SIGINT and when the parent's IPC channel closes: a parent killed with SIGKILL sends no signal. */
function stopWhenTold(simulator: RunningSimulator, drainMs: number): void {
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    simulator.close(drainMs).then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`weir-simulator: stopping failed: ${String(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('disconnect', stop);
}

function explain(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    return `${error.message}: the port is taken; set WEIR_SIMULATOR_PORT to a free one`;
  }
  return error instanceof Error ? error.message : String(error);
}

try {
  const settings = readSettings();
  const simulator = await startSimulator(settings);
  stopWhenTold(simulator, settings.drainMs);
  process.stdout.write(`weir-simulator listens on ${simulator.url}; nothing it says comes from a model\n`);
  process.send?.({ type: 'ready', port: simulator.port });
} catch (error) {
  process.stderr.write(`weir-simulator cannot start: ${explain(error)}\n`);
  process.exitCode = 1;
}
