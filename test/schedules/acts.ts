import type { PlannedAct, ServerName } from './plan.js';
import type { SimulatedServer } from './simulated-server.js';
import type { World } from './world.js';

const serverOf = (world: World, name: ServerName): SimulatedServer =>
  ({ broker: world.broker, postgres: world.postgres, clickhouse: world.warehouse })[name];

/** Has something happen that was planned. */
export function performAct(world: World, act: PlannedAct): void {
  switch (act.kind) {
    case 'call':
      return runInProducer(world, act);
    case 'late end':
      return runInProducer(world, act);
    case 'close hours':
      return world.sink(`billing-${act.closer}`)?.closeHours(act.isEarly);
    case 'checkpoint':
      return world.seeHead();
    case 'kill':
      return world.kill(act.target, act.restartsAfter);
    case 'pause':
      return world.pause(act.target, act.forMs);
    case 'strike':
      return void world.strikes.push(act);
    case 'lossy':
      return loseSome(world, act);
    case 'down':
      return takeDown(world, act);
    case 'cut':
      return cutOff(world, act.target);
    case 'redeliver':
      return world.broker.stream?.redeliver(act.count);
    case 'standstill':
      return world.standStill(act.forMs);
    case 'disk full':
      return fillDisk(world, act.forMs);
  }
}

type Act<Kind extends PlannedAct['kind']> = Extract<PlannedAct, { readonly kind: Kind }>;

function runInProducer(world: World, act: Act<'call' | 'late end'>): void {
  const producer = world.producer(act.producer);
  if (!producer) return;
  world.simulation.plan(producer.process, 0, act.kind, () => {
    if (act.kind === 'call') producer.call(act.call, act.endsAfter);
    else producer.lateEnd(act.call);
  });
}

function loseSome(world: World, { server: name, share, forMs }: Act<'lossy'>): void {
  const server = serverOf(world, name);
  world.simulation.note(`${name} loses ${Math.round(share * 100)} % for ${forMs} ms`);
  server.lossy = share;
  world.simulation.plan(undefined, forMs, 'loses nothing', () => (server.lossy = 0));
}

function takeDown(world: World, { server: name, forMs, lost }: Act<'down'>): void {
  const { simulation, broker, postgres } = world;
  simulation.note(`${name} is down for ${forMs} ms and loses ${lost}`);
  if (name === 'broker') {
    return broker.restart(forMs, () => {
      if (lost === 'ids') broker.stream?.forgetIds();
      if (lost === 'tail') broker.stream?.loseTail(3);
      if (lost === 'everything') broker.stream = undefined;
    });
  }
  const server = serverOf(world, name);
  server.isDown = true;
  if (name === 'postgres') postgres.terminateAll();
  simulation.plan(undefined, forMs, 'is back', () => (server.isDown = false));
}

/** A network that breaks between one process and Postgres. */
function cutOff(world: World, target: string): void {
  const process = world.find(target);
  if (!process) return;
  world.simulation.note(`${target} loses its connection to Postgres`);
  world.postgres.terminateOf(process);
}

function fillDisk(world: World, forMs: number): void {
  world.simulation.note(`the disk is full for ${forMs} ms`);
  world.disks.isFull = true;
  world.simulation.plan(undefined, forMs, 'there is room', () => (world.disks.isFull = false));
}
