import { expect } from 'chai';
import { toPem } from '../../../operator/pki/certificate.ts';
import { Access, type Attributes, forbidden, type Verdict } from '../../../operator/viz/api/access.ts';
import { discovery } from '../../../operator/viz/api/discovery.ts';
import { readRequestHeaders } from '../../../operator/viz/api/request-header.ts';
import type { ApiRow, User } from '../../../operator/viz/api/rows.ts';
import { authenticationData } from '../../support/aggregated-api.ts';
import { createTestAuthority } from '../../support/certificates.ts';

const JANE: User = { name: 'jane', uid: '', groups: ['system:authenticated'], extra: {} };
const LIST: Attributes = {
  group: 'viz.weft.dev',
  version: 'v1alpha1',
  resource: 'traffic',
  subresource: '',
  namespace: 'shop',
  name: '',
  verb: 'list',
};

const ROWS: readonly ApiRow[] = [
  rowOf({ group: 'viz.weft.dev', resource: 'traffic', kind: 'TrafficList', verbs: ['list'] }),
  rowOf({ group: 'tap.linkerd.io', resource: 'pods', subresource: 'tap', kind: 'Tap', verbs: ['watch'] }),
  rowOf({
    group: 'tap.linkerd.io',
    resource: 'namespaces',
    subresource: 'tap',
    kind: 'Tap',
    verbs: ['watch'],
    namespaced: false,
  }),
];

function rowOf(row: Partial<ApiRow> & Pick<ApiRow, 'group' | 'resource' | 'kind' | 'verbs'>): ApiRow {
  return { version: 'v1alpha1', singular: '', namespaced: true, handle: async () => ({ json: {} }), ...row };
}

describe('aggregated API: discovery', () => {
  const find = discovery(ROWS);
  const body = (path: string, accept = '') => find(path, accept)?.body;

  it('lists groups, versions and resources from the rows', () => {
    const viz = { groupVersion: 'viz.weft.dev/v1alpha1', version: 'v1alpha1' };
    expect(body('/apis')).to.deep.include({ kind: 'APIGroupList' });
    expect(body('/apis/viz.weft.dev')).to.deep.equal({
      kind: 'APIGroup',
      apiVersion: 'v1',
      name: 'viz.weft.dev',
      versions: [viz],
      preferredVersion: viz,
    });
    const verbs = ['watch'];
    expect(body('/apis/tap.linkerd.io/v1alpha1/')).to.deep.equal({
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: 'tap.linkerd.io/v1alpha1',
      resources: [
        { name: 'pods/tap', singularName: '', namespaced: true, kind: 'Tap', verbs },
        { name: 'namespaces/tap', singularName: '', namespaced: false, kind: 'Tap', verbs },
      ],
    });
  });

  it('gives all of it at once to whoever asks for that', () => {
    const accept =
      'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList';
    const found = find('/apis', accept);
    expect(found?.contentType).to.equal('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
    const { items } = body('/apis', accept) as {
      items: { metadata: { name: string }; versions: { resources: object[] }[] }[];
    };
    expect(items.map(({ metadata }) => metadata.name)).to.deep.equal(['viz.weft.dev', 'tap.linkerd.io']);
    expect(items[1]?.versions[0]?.resources[0]).to.deep.equal({
      resource: 'pods',
      responseKind: { group: 'tap.linkerd.io', version: 'v1alpha1', kind: 'Tap' },
      scope: 'Namespaced',
      singularResource: '',
      verbs: [],
      subresources: [
        {
          subresource: 'tap',
          responseKind: { group: 'tap.linkerd.io', version: 'v1alpha1', kind: 'Tap' },
          verbs: ['watch'],
        },
      ],
    });
    expect(find('/apis', 'application/json;g=apidiscovery.k8s.io;v=v2beta1')?.contentType).to.equal('application/json');
  });

  it('knows nothing that could be deleted: neither namespaces nor the garbage collector have to look at it', () => {
    const { resources } = body('/apis/viz.weft.dev/v1alpha1') as { resources: { verbs: string[] }[] };
    expect(resources.flatMap(({ verbs }) => verbs)).to.deep.equal(['list']);
  });

  it('is silent of every other path', () => {
    for (const path of ['/', '/api', '/apis/other', '/apis/viz.weft.dev/v1', '/openapi/v1', '/apis/__proto__']) {
      expect(find(path, ''), path).to.equal(null);
    }
  });
});

describe('aggregated API: access', () => {
  function access(answer: () => Promise<Verdict>): { access: Access; asked: () => number; pass: (ms: number) => void } {
    let nowMs = 0;
    let asked = 0;
    const reviewed = new Access(
      () => {
        asked += 1;
        return answer();
      },
      { nowMs: () => nowMs },
    );
    return { access: reviewed, asked: () => asked, pass: (ms) => (nowMs += ms) };
  }

  it('is asked once for the same question within seconds, and again after them', async () => {
    let allowed = true;
    const rig = access(async () => ({ allowed, reason: '' }));
    await Promise.all([rig.access.review(JANE, LIST), rig.access.review(JANE, LIST)]);
    expect(rig.asked()).to.equal(1);
    allowed = false;
    expect((await rig.access.review(JANE, LIST)).allowed).to.equal(true);
    rig.pass(5_000);
    expect((await rig.access.review(JANE, LIST)).allowed).to.equal(false);
    expect(rig.asked()).to.equal(2);
  });

  it('is asked anew for anything that an authorizer may look at', async () => {
    const rig = access(async () => ({ allowed: true, reason: '' }));
    const users: User[] = [
      JANE,
      { ...JANE, name: 'joe' },
      { ...JANE, uid: '1' },
      { ...JANE, groups: ['system:authenticated', 'x'] },
      { ...JANE, groups: ['system:authenticated,x'] },
      { ...JANE, extra: { scopes: ['a'] } },
      { ...JANE, extra: { scopes: ['a', 'b'] } },
    ];
    const questions: Attributes[] = [
      LIST,
      { ...LIST, namespace: '' },
      { ...LIST, name: 'a' },
      { ...LIST, verb: 'get' },
      { ...LIST, resource: 'proxies' },
      { ...LIST, subresource: 'tap' },
      { ...LIST, group: 'tap.linkerd.io' },
    ];
    for (const user of users) await rig.access.review(user, LIST);
    for (const question of questions) await rig.access.review(JANE, question);
    expect(rig.asked()).to.equal(users.length + questions.length - 1);
  });

  it('remembers no failure, and of users without number only so many', async () => {
    let fails = true;
    const rig = access(async () => {
      if (fails) throw new Error('no answer');
      return { allowed: true, reason: '' };
    });
    await rig.access.review(JANE, LIST).catch(() => undefined);
    expect(rig.access.size).to.equal(0);
    fails = false;
    for (let at = 0; at < 1_500; at++) await rig.access.review({ ...JANE, name: `user-${at}` }, LIST);
    expect(rig.access.size).to.equal(1_000);
  });

  it('is refused in the words of the API server', () => {
    expect(forbidden(JANE, { ...LIST, namespace: '' }, '')).to.equal(
      'traffic.viz.weft.dev is forbidden: User "jane" cannot list resource "traffic" in API group "viz.weft.dev" at the cluster scope',
    );
    expect(forbidden({ ...JANE, name: 'a"\n\u001b' }, { ...LIST, subresource: 'tap', name: 'web' }, '')).to.equal(
      'traffic/tap.viz.weft.dev "web" is forbidden: User "a\\"\\n\\u001b" cannot list resource "traffic/tap" in API group "viz.weft.dev" in the namespace "shop"',
    );
  });
});

describe('aggregated API: what a cluster says of its front proxies', () => {
  const pem = toPem([createTestAuthority().issuer.certificate]);

  it('is read as kube-apiserver writes it', () => {
    expect(readRequestHeaders(authenticationData(pem, []))).to.deep.include({
      allowedNames: [],
      userHeaders: ['x-remote-user'],
      groupHeaders: ['x-remote-group'],
      extraPrefixes: ['x-remote-extra-'],
    });
  });

  it('is refused where it could come to mean anybody', () => {
    const data = authenticationData(pem);
    const broken: Record<string, unknown>[] = [
      {},
      { ...data, 'requestheader-client-ca-file': '' },
      { ...data, 'requestheader-client-ca-file': 'no certificate' },
      { ...data, 'requestheader-username-headers': undefined },
      { ...data, 'requestheader-username-headers': '[]' },
      { ...data, 'requestheader-allowed-names': 'front-proxy-client' },
      { ...data, 'requestheader-allowed-names': '{}' },
      { ...data, 'requestheader-allowed-names': '[""]' },
      { ...data, 'requestheader-extra-headers-prefix': '[""]' },
    ];
    for (const each of broken) expect(() => readRequestHeaders(each), JSON.stringify(each)).to.throw();
    expect(() => readRequestHeaders(undefined)).to.throw();
  });
});
