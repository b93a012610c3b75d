/** Injection tokens of what {@link bootstrapService} gives to every service's module. */
export const LOGGER = Symbol('weir.logger');
export const HEALTH = Symbol('weir.health');
export const METRICS = Symbol('weir.metrics');
export const CLOCK = Symbol('weir.clock');
export const SETTINGS = Symbol('weir.settings');
/** A module provides an array of `CustomTransportStrategy` under this token; each is connected before the service is ready. */
export const MICROSERVICE_STRATEGIES = Symbol('weir.microservice-strategies');
