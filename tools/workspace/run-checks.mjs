/** Runs the workspace checks on the repository, after each has been seen to refuse a workspace broken on purpose. */
import { CHECKS } from './checks.mjs';
import { BREAKAGES, soundWorkspace } from './breakages.mjs';
import { readWorkspace } from './read-workspace.mjs';

const faults = [];

for (const [name, check] of Object.entries(CHECKS)) {
  for (const fault of check(soundWorkspace())) faults.push(`${name} refuses a sound workspace: ${fault}`);
  const breakages = BREAKAGES.filter((breakage) => breakage.check === name);
  if (breakages.length === 0) faults.push(`${name} has no breakage that proves it`);
  for (const { title, damage, says } of breakages) {
    const workspace = soundWorkspace();
    damage(workspace);
    if (!check(workspace).some((fault) => fault.includes(says))) faults.push(`${name} does not notice: ${title}`);
  }
}

const workspace = readWorkspace();
for (const check of Object.values(CHECKS)) faults.push(...check(workspace));

for (const fault of faults) console.error(fault);
console.log(
  `${Object.keys(CHECKS).length} checks on ${workspace.packages.length} packages, ${BREAKAGES.length} breakages, ${faults.length} faults`,
);
process.exitCode = faults.length === 0 ? 0 : 1;
