import { expect } from 'chai';
import { DEFAULT_MESH } from '../../../crds/kinds/mesh/parse.ts';
import { type InjectionSource, injectPod } from '../../../webhooks/inject/webhook.ts';
import type { AdmissionRequest } from '../../../webhooks/review.ts';
import { namespace } from '../../support/models.ts';
import { ANCHORS, PROXY_IMAGE, webPod } from '../../support/pods.ts';

const IDENTITY = { version: 'v1', proxyImage: PROXY_IMAGE };

function source(changes: Partial<InjectionSource> = {}): InjectionSource {
  return {
    namespace: (name) => Promise.resolve(namespace(name, { 'linkerd.io/inject': 'enabled' })),
    demands: () => Promise.resolve([]),
    mesh: () => DEFAULT_MESH,
    trustAnchorsPem: () => ANCHORS,
    ...changes,
  };
}

function request(changes: Partial<AdmissionRequest> = {}): AdmissionRequest {
  return {
    uid: 'u',
    operation: 'CREATE',
    group: '',
    version: 'v1',
    kind: 'Pod',
    namespace: 'shop',
    name: '',
    dryRun: false,
    object: webPod(),
    oldObject: null,
    ...changes,
  };
}

describe('injection webhook', () => {
  it('patches a pod and says for whom', async () => {
    const { answer, outcome } = await injectPod(request(), source(), IDENTITY);
    expect(answer.allowed).to.equal(true);
    expect(answer.patch).not.to.deep.equal([]);
    expect(outcome).to.deep.equal({
      namespace: 'shop',
      podName: '',
      owner: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-7d4b9', uid: 'u' },
      isDryRun: false,
      injected: true,
      warnings: [],
      ownerKind: 'deployment',
      annotationAt: 'namespace',
      skipReasons: [],
    });
  });

  it('answers a dry run like any other request', async () => {
    const [wet, dry] = await Promise.all([
      injectPod(request(), source(), IDENTITY),
      injectPod(request({ dryRun: true }), source(), IDENTITY),
    ]);
    expect(JSON.stringify(dry.answer)).to.equal(JSON.stringify(wet.answer));
    expect(dry.outcome).to.deep.equal({ ...wet.outcome, isDryRun: true });
  });

  it('leaves a pod alone whose namespace is not known or does not ask', async () => {
    const none = await injectPod(request(), source({ namespace: () => Promise.resolve(null) }), IDENTITY);
    expect(none.answer.patch).to.deep.equal([]);
    expect(none.outcome.skipReasons).to.deep.equal(['injection_enable_annotation_absent']);
  });

  it('leaves alone what is no new pod', async () => {
    for (const changes of [
      { kind: 'Service' },
      { group: 'apps' },
      { operation: 'UPDATE' as const },
      { operation: 'DELETE' as const },
    ]) {
      const { answer, outcome } = await injectPod(request(changes), source(), IDENTITY);
      expect(answer).to.deep.include({ allowed: true, patch: [] });
      expect(outcome.skipReasons).to.deep.equal(['unsupported_resource']);
    }
  });

  it('E4: leaves a pod alone that has a volume of our name, and says so', async () => {
    const object = webPod({ spec: { volumes: [{ name: 'linkerd-identity-token' }] } });
    const { answer, outcome } = await injectPod(request({ object }), source(), IDENTITY);
    expect(answer).to.deep.include({ allowed: true, patch: [] });
    expect(answer.warnings.join()).to.contain('linkerd-identity-token');
    expect(outcome.skipReasons).to.deep.equal(['volume_name_taken']);
  });

  it('gives no verdict on a pod that it should inject and cannot yet; others pass', async () => {
    const early = source({ trustAnchorsPem: () => '' });
    let code: unknown;
    await injectPod(request(), early, IDENTITY).catch((error: { code: string }) => {
      code = error.code;
    });
    expect(code).to.equal('WEFT_WEBHOOK_HANDLER');
    const other = request({ object: webPod({ spec: { hostNetwork: true } }) });
    expect((await injectPod(other, early, IDENTITY)).answer.allowed).to.equal(true);
  });

  it('counts a bare pod as an owner of its own', async () => {
    const object = webPod({ metadata: { ownerReferences: [] } });
    expect((await injectPod(request({ object }), source(), IDENTITY)).outcome.ownerKind).to.equal('pod');
  });
});
