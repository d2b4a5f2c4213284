import { KINDS } from '../../crds/kinds/registry.ts';
import { eventually } from '../support/eventually.ts';
import type { Asked } from './api-relay.ts';
import { NAMESPACE, type Written } from './objects.ts';
import type { Moment, World } from './world.ts';

/** Something that a leader asks of the API server. */
export interface LeaderStep {
  /** As in "a leader that ends as it …". */
  what: string;
  asks(asked: Asked): boolean;
  /** Has a leader do it; `round` makes names that were never used. */
  provoke(world: World, round: number): Promise<void>;
  /** Beside the state of everything else: what the successor has to have done. */
  done?(world: World, round: number): Promise<unknown>;
}

const WEBHOOKS = ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'] as const;
const NAMES = { mutatingwebhookconfigurations: 'weft-injector', validatingwebhookconfigurations: 'weft-validator' };

const rowOf = (plural: string, group: string) => KINDS.find((row) => row.plural === plural && row.group === group)!;

function server(round: number, spec: object): Written {
  const content = { spec: { port: 80, ...spec } };
  return { row: rowOf('servers', 'policy.linkerd.io'), version: 'v1beta3', name: `lost-${round}`, content };
}

const stall = (world: World, round: number) => world.write(server(round, { externalWorkloadSelector: {} }));

async function isToldOnce(world: World, round: number): Promise<boolean> {
  const { items } = await world.cluster.list('events', NAMESPACE);
  const named = ({ regarding }: (typeof items)[number]) => Reflect.get(Object(regarding), 'name');
  return items.filter((event) => named(event) === `lost-${round}`).length === 1;
}

async function writeRoute(world: World, round: number): Promise<void> {
  const service = { spec: { ports: [{ name: 'http', port: 80 }] } };
  await world.write({ row: rowOf('services', ''), version: 'v1', name: 'web', content: service });
  const spec = { parentRefs: [{ group: '', kind: 'Service', name: 'web', port: 80 }] };
  const row = rowOf('httproutes', 'gateway.networking.k8s.io');
  await world.write({ row, version: 'v1', name: `lost-${round}`, content: { spec } });
}

/** A new leader does all that it does at its beginning. */
async function loseLeader(world: World): Promise<void> {
  for (const plural of WEBHOOKS) await world.cluster.delete(plural, '', NAMES[plural]).catch(() => {});
  // On a busy machine it may just have lost the lead.
  await eventually('somebody leads, and ends', () => {
    const at = world.leader;
    if (at >= 0) world.kill(at);
    return at >= 0;
  });
}

const asksStatus = (plural: string) => (asked: Asked) =>
  asked.method === 'PATCH' && asked.path.includes(`/${plural}/`) && asked.path.endsWith('/status');
const asksLease = ({ method, path }: Asked) => method === 'PUT' && path.includes('/leases/');

/** Of its first Secrets, see `FIRST_SECRET`: there is one beginning only. */
export const LEADER_STEPS: readonly LeaderStep[] = [
  {
    what: 'writes the status of a custom resource',
    asks: asksStatus('servers'),
    provoke: (world, round) => world.write(server(round, { podSelector: {} })),
  },
  { what: 'writes the status of a route', asks: asksStatus('httproutes'), provoke: writeRoute },
  {
    what: 'tells an Event',
    asks: ({ method, path }) => method === 'POST' && path.endsWith('/events'),
    provoke: stall,
    done: isToldOnce,
  },
  {
    what: 'writes the status of what it has told of by an Event',
    asks: asksStatus('servers'),
    provoke: stall,
    done: isToldOnce,
  },
  { what: 'takes the lease', asks: asksLease, provoke: loseLeader },
  { what: 'renews the lease', asks: asksLease, provoke: async () => {} },
  ...WEBHOOKS.map((plural) => ({
    what: `writes the configuration ${NAMES[plural]}`,
    asks: ({ method, path }: Asked) => method === 'PATCH' && path.includes(`/${plural}/`),
    provoke: loseLeader,
    done: (world: World) => world.cluster.get(plural, '', NAMES[plural]).catch(() => null),
  })),
];

export const MOMENTS: Readonly<Record<Moment, string>> = {
  unsent: 'before the API server has heard of it',
  unheard: 'before it has heard that it is done',
};

/** Of a world that has just been made: whoever makes the first Secret ends before it is made. */
export const FIRST_SECRET = {
  moment: 'unsent',
  springs: ({ method, path }: Asked) => method === 'POST' && path.endsWith('/secrets'),
} as const;

/** Resolves with what its successor has not left as it must be. */
export async function loseLeaderAt(
  { asks, provoke, done }: LeaderStep,
  moment: Moment,
  world: World,
  round: number,
): Promise<string[]> {
  await world.begin();
  world.set({ moment, springs: asks });
  await provoke(world, round);
  await eventually('the leader has ended', () => !world.isSet);
  await eventually('another one leads', () => world.leader >= 0);
  const violations = await world.end();
  if (done !== undefined) await eventually('the successor has done it', () => done(world, round));
  await world.clear();
  return violations;
}
