import { expect } from 'chai';
import { type Decision, decide as decideFor } from '../../../webhooks/inject/decide.ts';
import type { SkipReason } from '../../../webhooks/inject/skip-reason.ts';
import { injected, webPod } from '../../support/pods.ts';

const INJECT = 'linkerd.io/inject';

function decide(pod: unknown, annotations: Record<string, string>, labels: Record<string, string> = {}): Decision {
  return decideFor(pod, { annotations, labels });
}

function annotated(value: string | undefined): Record<string, string> {
  return value === undefined ? {} : { [INJECT]: value };
}

function decision(namespace: string | undefined, pod: string | undefined): Decision {
  return decide(webPod({ metadata: { annotations: annotated(pod) } }), annotated(namespace));
}

/** `inject`, or the code of why not. */
function outcome(result: Decision): string {
  return result.inject ? 'inject' : result.reasons.join();
}

const ABSENT: SkipReason = 'injection_enable_annotation_absent';
const DISABLED: SkipReason = 'injection_disable_annotation_present';
const BAD_POD: SkipReason = 'invalid_inject_annotation_at_workload';
const BAD_NAMESPACE: SkipReason = 'invalid_inject_annotation_at_ns';

/** linkerd.io/inject on the namespace, on the pod, and what comes of it (Linkerd: automatic proxy injection). */
const TABLE: [namespace: string | undefined, pod: string | undefined, outcome: string][] = [
  ['enabled', 'enabled', 'inject'],
  ['enabled', 'ingress', 'inject'],
  ['enabled', 'disabled', DISABLED],
  ['enabled', undefined, 'inject'],
  ['enabled', 'yes', BAD_POD],
  ['ingress', 'enabled', 'inject'],
  ['ingress', 'ingress', 'inject'],
  ['ingress', 'disabled', DISABLED],
  ['ingress', undefined, 'inject'],
  ['ingress', 'true', BAD_POD],
  ['disabled', 'enabled', 'inject'],
  ['disabled', 'ingress', 'inject'],
  ['disabled', 'disabled', DISABLED],
  ['disabled', undefined, ABSENT],
  ['disabled', 'Enabled', BAD_POD],
  [undefined, 'enabled', 'inject'],
  [undefined, 'ingress', 'inject'],
  [undefined, 'disabled', DISABLED],
  [undefined, undefined, ABSENT],
  [undefined, '', BAD_POD],
  ['yes', 'enabled', BAD_NAMESPACE],
  ['yes', 'disabled', BAD_NAMESPACE],
  ['yes', undefined, BAD_NAMESPACE],
  ['yes', 'no', BAD_NAMESPACE],
  ['', undefined, BAD_NAMESPACE],
];

describe('injection decision', () => {
  for (const [namespace, pod, expected] of TABLE) {
    it(`namespace ${JSON.stringify(namespace)}, pod ${JSON.stringify(pod)}: ${expected}`, () => {
      expect(outcome(decision(namespace, pod))).to.equal(expected);
    });
  }

  it('says which annotation decided, and in which mode', () => {
    expect(decision('ingress', 'enabled')).to.deep.equal({ inject: true, mode: 'enabled', annotationAt: 'workload' });
    expect(decision('ingress', undefined)).to.deep.equal({ inject: true, mode: 'ingress', annotationAt: 'namespace' });
  });

  it('skips pods on the network of their node', () => {
    expect(decide(webPod({ spec: { hostNetwork: true } }), { [INJECT]: 'enabled' })).to.deep.equal({
      inject: false,
      reasons: ['host_network_enabled'],
      requested: true,
    });
    expect(outcome(decide(webPod({ spec: { hostNetwork: false } }), { [INJECT]: 'enabled' }))).to.equal('inject');
  });

  for (const name of ['linkerd-proxy', 'linkerd-init', 'istio-proxy', 'istio-init']) {
    for (const list of ['containers', 'initContainers']) {
      it(`skips a pod with ${name} among its ${list}`, () => {
        const base = webPod()['spec'] as { containers: unknown[] };
        const containers = list === 'containers' ? [...base.containers, { name }] : base.containers;
        const initContainers = list === 'containers' ? [] : [{ name }];
        const result = decide(webPod({ spec: { containers, initContainers } }), { [INJECT]: 'enabled' });
        expect(outcome(result)).to.equal('sidecar_already_exists');
      });
    }
  }

  for (const image of [
    'cr.l5d.io/linkerd/proxy:edge-1',
    'gcr.io/istio-release/proxyv2:1',
    'cr.l5d.io/linkerd/proxy-init:v2',
  ]) {
    it(`skips a pod with the image ${image} under another name`, () => {
      const result = decide(webPod({ spec: { containers: [{ name: 'x', image }] } }), { [INJECT]: 'enabled' });
      expect(outcome(result)).to.equal('sidecar_already_exists');
    });
  }

  it('gives all reasons at once', () => {
    const pod = webPod({ spec: { hostNetwork: true, containers: [{ name: 'linkerd-proxy' }] } });
    expect(outcome(decide(pod, {}))).to.equal(`host_network_enabled,sidecar_already_exists,${ABSENT}`);
  });

  it('skips what is no pod', () => {
    for (const pod of [null, undefined, 5, 'x', [], {}, { spec: null }, { spec: { containers: {} } }, { spec: [] }]) {
      const result = decide(pod, { [INJECT]: 'enabled' });
      expect(result.inject ? [] : result.reasons).to.contain('unsupported_resource');
    }
  });

  it('warns who asked and does not get, and about values that are neither yes nor no', () => {
    const warnings = (namespace: string | undefined, pod: string | undefined, spec: Record<string, unknown> = {}) =>
      injected({
        pod: webPod({ metadata: { annotations: annotated(pod) }, spec }),
        namespaceAnnotations: annotated(namespace),
      }).warnings.join();
    expect(warnings('enabled', undefined, { hostNetwork: true })).to.contain('hostNetwork');
    expect(warnings('enabled', 'yes')).to.contain('must be enabled, disabled or ingress');
    expect(warnings('yes', undefined)).to.contain('of the namespace must be');
    expect(warnings('enabled', undefined, { containers: [{ name: 'istio-proxy' }] })).to.contain('sidecar');
    expect(warnings('disabled', undefined, { hostNetwork: true })).to.equal('');
    expect(warnings('enabled', 'disabled')).to.equal('');
    expect(warnings(undefined, undefined)).to.equal('');
  });

  it('says nothing about a pod that has our proxy already', () => {
    const first = injected();
    const again = injected({ pod: first.pod });
    expect(again.patch).to.deep.equal([]);
    expect(again.warnings).to.deep.equal([]);
  });
});
