import { expect } from 'chai';
import fc from 'fast-check';
import { ANNOTATIONS } from '../../../crds/annotations/rows.ts';
import { DEFAULT_MESH } from '../../../crds/kinds/mesh/parse.ts';
import { reduceNamespace } from '../../../crds/kinds/namespace/parse.ts';
import { reducePod } from '../../../crds/kinds/pod/parse.ts';
import { decisionNow } from '../../../webhooks/inject/lack.ts';
import { inject } from '../../../webhooks/inject/patch.ts';
import { injectorReach } from '../../../webhooks/inject/reach.ts';
import { applyPatch } from '../../support/json-patch.ts';
import { injectionInput } from '../../support/pods.ts';

const NAMES = ['app', 'sidecar', 'linkerd-proxy', 'linkerd-init', 'istio-proxy', 'linkerd-identity-end-entity', 'data'];
const VALUES = [
  ...['enabled', 'disabled', 'ingress', 'true', 'false', '', '0', '1', '8080', '25,80-90', '10.0.0.0/8', '100m', 'v2'],
  ...['json', 'deny', 'debug', 'kubernetes', '5s', 'x\ny', '$(x)', '-1', '1e999', '\u0000'],
];

/** Names that stop an injection are there, but rarely: most pods are to be injected. */
const name = fc.oneof({ weight: 30, arbitrary: fc.constantFrom('app', 'data') }, fc.constantFrom(...NAMES));
const value = fc.oneof(fc.constantFrom(...VALUES), fc.string());
const annotations = fc.dictionary(
  fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...ANNOTATIONS['injection.md'].flatMap(({ names }) => names)) },
    fc.constant('linkerd.io/inject'),
    fc.string(),
  ),
  value,
  { maxKeys: 8 },
);
const port = fc.record(
  { name: fc.constantFrom('http', 'grpc', ''), containerPort: fc.oneof(fc.nat(70_000), fc.constant(3306)) },
  { requiredKeys: ['containerPort'] },
);
const container = fc.record(
  {
    name,
    image: value,
    ports: fc.array(port, { maxLength: 3 }),
    securityContext: fc.record(
      { runAsUser: fc.constantFrom(0, 2102, 1000), privileged: fc.boolean() },
      { requiredKeys: [] },
    ),
    readinessProbe: fc.record({ httpGet: fc.record({ port: fc.oneof(fc.nat(), value), path: value }) }),
  },
  { requiredKeys: ['name'] },
);
const owner = fc.record({
  kind: fc.constantFrom('ReplicaSet', 'Job', 'StatefulSet', 'Rollout', '~/'),
  name: fc.oneof(fc.constant('web-7d4b9'), fc.string()),
  controller: fc.boolean(),
});

/** Pods as an API server would pass them on: right in shape, anything in content. */
const pod = fc.record(
  {
    metadata: fc.record(
      {
        annotations,
        labels: fc.dictionary(fc.constantFrom('app', 'pod-template-hash', 'linkerd.io/control-plane-ns'), value),
        ownerReferences: fc.array(owner, { maxLength: 2 }),
      },
      { requiredKeys: [] },
    ),
    spec: fc.record(
      {
        containers: fc.array(container, { minLength: 1, maxLength: 3 }),
        initContainers: fc.option(fc.array(container, { maxLength: 2 })),
        volumes: fc.option(fc.array(fc.record({ name, emptyDir: fc.constant({}) }), { maxLength: 2 })),
        hostNetwork: fc.integer({ min: 0, max: 9 }).map((number) => number === 0),
        serviceAccountName: value,
      },
      { requiredKeys: ['containers'] },
    ),
  },
  { requiredKeys: ['spec'] },
);

const mesh = fc.record({ native: fc.boolean(), source: fc.constantFrom('operator' as const, 'kubernetes' as const) });
const world = fc.record({ pod, namespaceAnnotations: annotations, mesh });

describe('injection of random pods', () => {
  it('is deterministic, and does nothing the second time (1,000 pods)', () => {
    let injections = 0;
    fc.assert(
      fc.property(world, ({ pod: random, namespaceAnnotations, mesh: settings }) => {
        const input = injectionInput({
          pod: random,
          namespaceAnnotations: { 'linkerd.io/inject': 'enabled', ...namespaceAnnotations },
          mesh: {
            ...DEFAULT_MESH,
            configurationSource: settings.source,
            proxy: { ...DEFAULT_MESH.proxy, nativeSidecar: settings.native },
          },
        });
        const before = JSON.stringify(random);
        const first = inject(input);
        expect(JSON.stringify(inject({ ...input, pod: structuredClone(random) }))).to.equal(JSON.stringify(first));
        expect(JSON.stringify(random)).to.equal(before);
        const patched = applyPatch(random, first.patch);
        const second = inject({ ...input, pod: patched });
        expect(second.patch).to.deep.equal([]);
        if (first.patch.length > 0) injections += 1;
        else expect(JSON.stringify(patched)).to.equal(before);
      }),
      { numRuns: 1_000 },
    );
    expect(injections).to.be.greaterThan(300);
  });

  it('decides of what the caches keep as of the whole objects (1,000 pods)', () => {
    const reach = injectorReach(DEFAULT_MESH, false);
    const outcomes = new Set<string>();
    const level = fc.constantFrom('privileged', 'baseline', undefined);
    fc.assert(
      fc.property(world, level, ({ pod: random, namespaceAnnotations }, enforced) => {
        const labels: Record<string, string> =
          enforced === undefined ? {} : { 'pod-security.kubernetes.io/enforce': enforced };
        const kept = reducePod(random);
        const namespace = reduceNamespace({ metadata: { name: 'shop', annotations: namespaceAnnotations, labels } });
        const decision = decisionNow(kept, namespace, reach);
        const input = injectionInput({ pod: random, namespaceAnnotations, namespaceLabels: labels });
        const admitted = inject(input);
        if (kept.meshed) expect(decision).to.equal(null);
        else expect(decision).to.deep.equal(admitted.decision);
        outcomes.add(admitted.decision.inject ? 'inject' : admitted.decision.reasons.join());
        // What the injector has made is no lack.
        const made = reducePod(applyPatch(random, admitted.patch));
        if (admitted.decision.inject) expect(decisionNow(made, namespace, reach)).to.equal(null);
      }),
      { numRuns: 1_000 },
    );
    expect(outcomes.size).to.be.greaterThan(8);
  });

  it('never throws, whatever JSON calls itself a pod (1,000 values)', () => {
    const anything = fc.oneof(
      fc.jsonValue(),
      fc.record({ metadata: fc.jsonValue(), spec: fc.jsonValue() }),
      fc.record({ spec: fc.record({ containers: fc.array(fc.jsonValue()), initContainers: fc.jsonValue() }) }),
    );
    fc.assert(
      fc.property(anything, annotations, (random, namespaceAnnotations) => {
        JSON.stringify(inject(injectionInput({ pod: random, namespaceAnnotations })));
      }),
      { numRuns: 1_000 },
    );
  });
});
