import { expect } from 'chai';
import type { ProxyDetail, ProxyItem } from '../../../../crds/viz/proxy-list.ts';
import { CliCluster } from '../../../support/cli-cluster.ts';
import { meshedPod, plainPod } from '../../../support/cli-objects.ts';

const OF_SHOP = '/apis/viz.weft.dev/v1alpha1/namespaces/shop/proxies';
const OF_ALL = '/apis/viz.weft.dev/v1alpha1/proxies';
const WEB = 'service/10.96.0.10:80';

function item(name: string, fields: Partial<ProxyItem> = {}): ProxyItem {
  return {
    metadata: { name, namespace: 'shop' },
    replica: 'weft-operator-1',
    identity: 'web.shop.serviceaccount.identity.linkerd.cluster.local',
    version: '0.1.0',
    revision: 2,
    connectedSeconds: 7_300,
    acknowledgedSeconds: 12.3,
    resources: 5,
    behind: [],
    ...fields,
  };
}

const REFUSED = { key: WEB, state: 'refused', seconds: 42, problems: ['rules[0]: no'] } as const;

describe('weft proxy-status', () => {
  const cluster = new CliCluster();
  const answers = (path: string, body: object) =>
    cluster.answers.set(path, () => ({ status: 200, text: JSON.stringify(body) }));
  const lists = (path: string, items: ProxyItem[], missing: string[] = []) =>
    answers(path, { apiVersion: 'viz.weft.dev/v1alpha1', kind: 'ProxyList', metadata: {}, items, missing });

  before(() => cluster.start());
  beforeEach(() => {
    cluster.reset();
    cluster.objects = [
      meshedPod('web-1', { app: 'web' }),
      meshedPod('web-2', { app: 'web' }),
      plainPod('outside', { app: 'web' }),
    ];
    lists(OF_SHOP, [item('web-1'), item('web-2')]);
  });
  after(() => cluster.stop());

  it('lists proxies that are current, and ends with 0', async () => {
    const { status, stdout, stderr } = await cluster.run(['proxy-status']);
    expect(stderr).to.equal('');
    expect(stdout).to.equal(`NAME   STATUS   VERSION  CONTRACT  CURRENT  LAST_ACK  CONNECTED
web-1  current  0.1.0           2      5/5       12s         2h
web-2  current  0.1.0           2      5/5       12s         2h
`);
    expect(status).to.equal(0);
  });

  it('finds those that are not connected and those that refuse; what is on its way is no finding', async () => {
    cluster.objects.push(
      meshedPod('web-3', { app: 'web' }),
      meshedPod('web-4', { app: 'web' }, { annotations: { 'config.weft.dev/source': 'kubernetes' } }),
      meshedPod('api-1', {}, { namespace: 'api' }),
    );
    const sent = { key: WEB, state: 'sent', seconds: 1, problems: [] } as const;
    lists(OF_ALL, [item('web-1', { behind: [sent] }), item('web-2', { behind: [REFUSED], acknowledgedSeconds: null })]);
    const { status, stdout } = await cluster.run(['proxy-status', '-A', '-o', 'wide']);
    const [header, ...rows] = stdout.split('\n').map((line) => line.split(/ {2,}/));
    expect(header!.slice(-2)).to.deep.equal(['REPLICA', 'BEHIND']);
    expect(rows.slice(0, -1)).to.deep.equal([
      ['api', 'api-1', 'not connected', '-', '-', '-', '-', '-', '-', '-'],
      ['shop', 'web-1', 'behind', '0.1.0', '2', '4/5', '12s', '2h', 'weft-operator-1', WEB],
      ['shop', 'web-2', 'refused', '0.1.0', '2', '4/5', '-', '2h', 'weft-operator-1', WEB],
      ['shop', 'web-3', 'not connected', '-', '-', '-', '-', '-', '-', '-'],
      ['shop', 'web-4', 'direct', '-', '-', '-', '-', '-', '-', '-'],
    ]);
    expect(status).to.equal(1);
    lists(OF_SHOP, [item('web-1', { behind: [sent] }), item('web-2'), item('web-3')]);
    expect((await cluster.run(['proxy-status'])).status).to.equal(0);
  });

  it('says whose part is missing, and prints JSON, names and templates', async () => {
    lists(OF_SHOP, [item('web-1')], ['weft-operator-2']);
    const { stdout, stderr } = await cluster.run(['proxy-status', '-o', 'json']);
    expect(stderr).to.equal('the proxies of replica weft-operator-2 are missing\n');
    const rows: { name: string; state: string; proxy: ProxyItem | null }[] = JSON.parse(stdout);
    expect(rows.map(({ name, state }) => `${name} ${state}`)).to.deep.equal(['web-1 current', 'web-2 not connected']);
    expect(rows[0]!.proxy).to.deep.include({ replica: 'weft-operator-1', resources: 5 });
    expect((await cluster.run(['proxy-status', '-o', 'name'])).stdout).to.equal('pod/web-1\npod/web-2\n');
  });

  function detail(configuration: ProxyDetail['configuration'], fields: Partial<ProxyDetail> = {}): void {
    const proxy: ProxyDetail = {
      apiVersion: 'viz.weft.dev/v1alpha1',
      kind: 'Proxy',
      ...item('web-1', { behind: [REFUSED] }),
      configuration,
      unasked: null,
      ...fields,
    };
    answers(`${OF_SHOP}/web-1`, proxy);
  }

  const route = (name: string) => ({ type: 'service', policy: { rules: [{ section: name }], backends: ['a', 'b'] } });

  it('shows what one proxy has beside what it should have, as a difference', async () => {
    detail([
      { key: 'trust', held: { version: 't', body: null }, wanted: { version: 't', body: null } },
      { key: WEB, held: { version: 'v1', body: route('old') }, wanted: { version: 'v2', body: route('new') } },
      { key: 'endpoints/shop/new:80/ipv4', held: null, wanted: { version: 'e', body: { endpoints: [] } } },
    ]);
    const { status, stdout } = await cluster.run(['proxy-status', 'web-1']);
    expect(stdout).to.equal(`Proxy:         shop/web-1
Identity:      web.shop.serviceaccount.identity.linkerd.cluster.local
Version:       0.1.0 (contract 2)
Connected to:  weft-operator-1, for 2h
Last answer:   12s ago

√ trust
× service/10.96.0.10:80 (refused for 42s)
    refused: rules[0]: no
    --- the proxy has: version v1
    +++ it should have: version v2
     type: service
     policy:
       rules:
    -    - section: old
    +    - section: new
       backends:
         - a
         - b
× endpoints/shop/new:80/ipv4
    --- the proxy has: nothing
    +++ it should have: version e
    +endpoints: []
`);
    expect(status).to.equal(1);
    const { stdout: json } = await cluster.run(['proxy-status', 'web-1', '-o', 'json']);
    expect(JSON.parse(json)).to.have.nested.property('configuration[1].held.version', 'v1');
  });

  it('says why a proxy could not be asked, and ends with 0 where all is the same', async () => {
    detail([{ key: WEB, held: { version: 'v1', body: null }, wanted: { version: 'v2', body: route('new') } }], {
      unasked: 'connect ECONNREFUSED 10.244.0.10:4190',
    });
    const { stdout } = await cluster.run(['proxy-status', 'web-1']);
    expect(stdout).to.match(/could not be asked what it has.*: connect ECONNREFUSED 10\.244\.0\.10:4190\n/);
    expect(stdout).to.match(/ {4}\+\+\+ it should have: version v2\n$/);
    detail([{ key: 'trust', held: { version: 't', body: null }, wanted: { version: 't', body: null } }], {
      behind: [],
    });
    expect((await cluster.run(['proxy-status', 'web-1'])).status).to.equal(0);
  });

  it('shows nothing that a terminal obeys, whatever a proxy or an object says', async () => {
    const problem = { ...REFUSED, problems: ['\u001b[2J gone'] };
    const held = { version: 'v1\u001b[31m', body: route('\u001b]0;title\u0007') };
    detail([{ key: WEB, held, wanted: null }], { behind: [problem], version: '\u001b[31mred' });
    const { stdout } = await cluster.run(['proxy-status', 'web-1']);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what is looked for
    expect(stdout).not.to.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(stdout).to.include('-    - section:');
  });

  it('says of what is not there what is not there', async () => {
    const notFound = JSON.stringify({ kind: 'Status', reason: 'NotFound', message: 'no proxy of a pod web-9' });
    cluster.answers.set(`${OF_SHOP}/web-9`, () => ({ status: 404, text: notFound }));
    const absent = await cluster.run(['proxy-status', 'web-9']);
    expect(absent.stderr).to.match(/^WEFT_CLI_RESOURCE: .*no proxy of a pod web-9 in namespace shop is connected/);
    cluster.answers.set(OF_SHOP, () => ({ status: 404, text: '404 page not found' }));
    const without = await cluster.run(['proxy-status']);
    expect(without).to.deep.include({ status: 1, stdout: '' });
    expect(without.stderr).to.match(/^WEFT_CLI_LIVE_NUMBERS: .*viz\.weft\.dev\/v1alpha1 is not there/);
    cluster.answers.set(OF_SHOP, () => ({
      status: 503,
      text: JSON.stringify({ kind: 'Status', message: 'no endpoints' }),
    }));
    expect((await cluster.run(['proxy-status'])).stderr).to.match(/^WEFT_CLI_LIVE_NUMBERS: .*no endpoints/);
    answers(OF_SHOP, { kind: 'Other' });
    expect((await cluster.run(['proxy-status'])).stderr).to.match(/^WEFT_CLI_LIVE_NUMBERS: .*sends no ProxyList/);
  });
});
