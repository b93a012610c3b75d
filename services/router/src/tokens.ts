/** Injection tokens of the router's own parts. */
export const BUS = Symbol('router.bus');
export const CATALOG = Symbol('router.catalog');
export const CALL_SERVER = Symbol('router.call-server');
export const FORWARDER = Symbol('router.forwarder');
export const HEALTH_BOOK = Symbol('router.health-book');
export const PRESENCE = Symbol('router.presence');
