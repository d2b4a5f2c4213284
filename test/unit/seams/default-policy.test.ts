import { expect } from 'chai';
import { readRunConfig } from '../../../proxy-image/config/config.ts';
import { ACCESS_POLICIES } from '../../../proxy-image/contract/access-policy.ts';
import { environmentOf } from '../../support/pods.ts';
import { RawCluster } from '../../support/raw-cluster.ts';

const NAME = 'config.linkerd.io/default-inbound-policy';
const OTHERS = [
  '',
  ' ',
  ' deny',
  'Deny',
  'allow',
  'all-unauthenticated\n',
  'all-authenticated,deny',
  'x'.repeat(9_000),
];

/** The policy that a pod's proxy starts with, and the one that the operator tells it. */
function policiesOf(onPod: string | null, onNamespace: string | null, ofMesh: string): [string, string] {
  const cluster = new RawCluster();
  cluster.mesh({ proxy: { defaultInboundPolicy: ofMesh } });
  cluster.namespace(onNamespace === null ? {} : { [NAME]: onNamespace });
  const annotations: Record<string, string> = onPod === null ? {} : { [NAME]: onPod };
  const { proxy } = cluster.pod('web-1', { ip: '10.1.0.1', annotations, ports: [{ containerPort: 8080 }] });
  const started = readRunConfig({ ...environmentOf(proxy), WEFT_PROXY_POD_NAME: 'web-1' }).inbound.policy;
  const { ports, defaultPolicy } = cluster.workload('web-1');
  expect(ports[8080]?.server).to.deep.equal(defaultPolicy.server);
  return [started, defaultPolicy.server.name];
}

describe('default inbound policy: injection and compiler read the same', () => {
  for (const text of [...ACCESS_POLICIES, ...OTHERS]) {
    const means = ACCESS_POLICIES.find((policy) => policy === text) ?? 'deny';
    const shown = JSON.stringify(text.slice(0, 30));

    it(`${shown} on the pod, whatever its namespace says`, () => {
      const behind = text === '' ? 'all-authenticated' : means;
      expect(policiesOf(text, 'all-authenticated', 'audit')).to.deep.equal([behind, behind]);
    });

    it(`${shown} on the namespace, whatever the Mesh says`, () => {
      const behind = text === '' ? 'audit' : means;
      expect(policiesOf(null, text, 'audit')).to.deep.equal([behind, behind]);
      expect(policiesOf('', text, 'audit')).to.deep.equal([behind, behind]);
    });
  }

  it('is the Mesh’s where neither says anything', () => {
    for (const policy of ACCESS_POLICIES) expect(policiesOf(null, null, policy)).to.deep.equal([policy, policy]);
  });
});
