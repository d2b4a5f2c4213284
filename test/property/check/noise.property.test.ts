import { expect } from 'chai';
import { Mutator } from '../../fuzz/mutator.ts';
import { healthy, pod, put, slice, type World } from '../../unit/cli/check/world.ts';

const RUNS = 60;

/** What is none of the mesh's business. */
const NOISE: readonly ((world: World, mutator: Mutator, name: string) => void)[] = [
  (world, _, name) =>
    world.add(
      'Pod',
      pod(name, 'kube-system', { 'k8s-app': name }, '10.244.7.7', { hostNetwork: true, containers: [{ name: 'a' }] }),
    ),
  (world, _, name) => {
    const ended = pod(name, 'shop', { app: 'web' }, '10.244.7.8', { containers: [{ name: 'a' }] });
    world.add('Pod', { ...ended, status: { phase: 'Succeeded' } });
  },
  (world, _, name) => {
    const going = pod(name, 'shop', { app: 'web' }, '10.244.7.9', { containers: [{ name: 'a' }] });
    put(going, ['metadata', 'deletionTimestamp'], '2026-06-01T11:59:59Z');
    world.add('Pod', going);
  },
  (world, _, name) =>
    world.add('Namespace', { metadata: { name, labels: { 'kubernetes.io/metadata.name': name, team: name } } }),
  (world, _, name) =>
    world.add('Service', {
      metadata: { name, namespace: 'default' },
      spec: { type: 'ExternalName', externalName: 'example.com' },
    }),
  (world, _, name) => {
    world.add('Service', {
      metadata: { name, namespace: 'default' },
      spec: { clusterIP: 'None', clusterIPs: ['None'], ports: [{ port: 9, targetPort: 'x', protocol: 'TCP' }] },
    });
    world.add('EndpointSlice.discovery.k8s.io', slice(name, 'default', [{ port: 9 }], '192.0.2.1'));
  },
  (world, _, name) =>
    world.add('networkPolicies', {
      metadata: { name, namespace: 'default' },
      spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
    }),
  (world, _, name) =>
    world.add('networkPolicies', {
      metadata: { name, namespace: 'shop' },
      spec: { podSelector: { matchLabels: { app: name } }, policyTypes: ['Ingress'] },
    }),
  (world, _, name) =>
    world.add('mutatingWebhooks', {
      metadata: { name },
      webhooks: [{ name: `${name}.example.com`, rules: [{ operations: ['CREATE'], resources: ['pods'] }] }],
    }),
  (world, _, name) =>
    world.add('validatingWebhooks', {
      metadata: { name },
      webhooks: [{ name: `${name}.example.com`, failurePolicy: 'Fail' }],
    }),
  (world, _, name) =>
    world.add('apiServices', {
      metadata: { name: `v1.${name}.example.com` },
      status: { conditions: [{ type: 'Available', status: 'False' }] },
    }),
  (world, _, name) =>
    world.add('nodes', {
      metadata: { name },
      status: {
        nodeInfo: { operatingSystem: 'windows', kernelVersion: '10.0.20348' },
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    }),
  (world, mutator, name) =>
    world.set('Pod', 'web-7d4b9-a', ['metadata', 'annotations', `example.com/${name}`], mutator.pick(['', 'x', '{}'])),
  (world, mutator, name) => world.set('Service', 'web', ['metadata', 'labels', name], mutator.pick(['', 'x'])),
];

function codesOf(world: World): string[] {
  const verdicts = world.judge('proxy').flatMap((category) => category.verdicts);
  return verdicts.flatMap(({ check, findings }) =>
    findings.map(({ object, reason }) => `${check.code}: ${object}: ${reason}`),
  );
}

describe('weft check, whatever else is in the cluster', () => {
  it('finds nothing in what is none of its business', () => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const mutator = new Mutator(seed);
      const world = healthy();
      for (let i = mutator.below(12); i >= 0; i--) mutator.pick(NOISE)(world, mutator, `noise-${seed}-${i}`);
      expect(codesOf(world), `seed ${seed}`).to.deep.equal([]);
    }
  });

  it('never fails, whatever objects say', () => {
    const junk: readonly unknown[] = [
      null,
      true,
      0,
      -1,
      1e308,
      '',
      '*',
      '(',
      '\u001b[2J\u202e',
      [],
      [null],
      [[]],
      {},
      { '': '' },
      JSON.parse('{"__proto__":{"x":1}}'),
    ];
    for (let seed = 1; seed <= RUNS; seed++) {
      const mutator = new Mutator(seed);
      const world = healthy();
      const lists = [...world.objects.keys()].filter(
        (name) => !['controlPlane', 'definitions', 'injection', 'validation'].includes(name),
      );
      for (let i = mutator.below(6); i >= 0; i--) {
        const list = world.list(mutator.pick(lists));
        if (list.length > 0) change(mutator.pick(list) as Record<string, unknown>, mutator, junk);
      }
      expect(() => codesOf(world), `seed ${seed}`).to.not.throw();
    }
  });
});

/** Puts junk somewhere into an object; its name stays, or it would be another. */
function change(object: Record<string, unknown>, mutator: Mutator, junk: readonly unknown[]): void {
  const keys = Object.keys(object).filter((key) => key !== 'name' && key !== 'namespace');
  if (keys.length === 0) return;
  const key = mutator.pick(keys);
  const value = object[key];
  if (typeof value === 'object' && value !== null && !mutator.chance(4))
    change(value as Record<string, unknown>, mutator, junk);
  else object[key] = mutator.pick(junk);
}
