/** Injection tokens of the service's own parts. */
export const BUS = Symbol('providers.bus');
export const CATALOG = Symbol('providers.catalog');
export const CALL_SERVER = Symbol('providers.call-server');
export const RECORD = Symbol('providers.record');
export const EXECUTOR = Symbol('providers.executor');
export const INTAKE = Symbol('providers.intake');
export const OPEN_EXECUTOR = Symbol('providers.open-executor');
