import type { Fault } from '../fault.js';
import { brokerFaults } from './broker.js';
import { clientFaults } from './clients.js';
import { clockFaults } from './clock.js';
import { databaseFaults } from './databases.js';
import { diskFaults } from './disks.js';
import { landingFaults } from './landing-steps.js';
import { messageFaults } from './messages.js';
import { mixedFaults } from './mixed.js';
import { processFaults } from './processes.js';

/** Every fault by name, in the order of `--list`. */
export const FAULTS: readonly Fault[] = [
  ...processFaults,
  ...landingFaults,
  ...brokerFaults,
  ...databaseFaults,
  ...messageFaults,
  ...clockFaults,
  ...clientFaults,
  ...mixedFaults,
  ...diskFaults,
];
