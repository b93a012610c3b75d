export type { ClickHouseAccess, Connection, ServiceInstance } from './connection.js';
export { eventually, type EventuallyOptions } from './eventually.js';
export { FaultProxy, type FaultProxyTarget } from './fault-proxy.js';
export { claimPortBlock, freePort, type PortBlock } from './ports.js';
export {
  startInfrastructure,
  startStack,
  type InfrastructureOptions,
  type Part,
  type RunningStack,
  type StackOptions,
} from './stack.js';
export { VirtualClock } from './virtual-clock.js';
export { sinkEnvironment } from './sink-environment.js';
