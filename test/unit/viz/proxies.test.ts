import { expect } from 'chai';
import type { ProxyDetail, ProxyList } from '../../../crds/viz/proxy-list.ts';
import type { ResourceReport, SessionReport } from '../../../operator/serve/session-report.ts';
import type { AskReplicas } from '../../../operator/viz/api/replica-client.ts';
import type { ApiRequest } from '../../../operator/viz/api/rows.ts';
import { type OwnProxies, proxiesRow, proxyPaths } from '../../../operator/viz/proxies/row.ts';
import type { ConfigurationQuestion, HeldConfiguration } from '../../../proxy-image/contract/control/configuration.ts';

const current = (key: string, version: string): ResourceReport => ({
  key,
  held: version,
  wanted: version,
  wantedText: JSON.stringify({ is: version }),
  state: 'current',
  behindMs: 0,
  problems: [],
});

const refused = (key: string, held: string, wanted: string): ResourceReport => ({
  ...current(key, wanted),
  held,
  state: 'refused',
  behindMs: 12_340,
  problems: ['routes[0]: no'],
});

function reportOf(pod: string, resources: ResourceReport[], fields: Partial<SessionReport> = {}): SessionReport {
  return {
    namespace: 'shop',
    pod,
    identity: 'web.shop.serviceaccount.identity.linkerd.cluster.local',
    address: '10.244.0.11:40000',
    proxyVersion: '0.1.0',
    revision: 2,
    connectedMs: 60_000,
    acknowledgedMs: 1_260,
    subscribed: resources.length,
    resources,
    ...fields,
  };
}

/** A replica with the proxies that are connected to it, and what these hold. */
class Replica implements OwnProxies {
  readonly replica: string;
  readonly proxies: SessionReport[];
  readonly held = new Map<string, HeldConfiguration[]>();
  readonly asked: ConfigurationQuestion[] = [];

  constructor(replica: string, proxies: SessionReport[]) {
    this.replica = replica;
    this.proxies = proxies;
  }

  reports(namespace: string | null): SessionReport[] {
    return this.proxies.filter((each) => namespace === null || each.namespace === namespace);
  }

  report(namespace: string, pod: string): SessionReport | null {
    return this.reports(namespace).find((each) => each.pod === pod) ?? null;
  }

  async ask({ pod }: SessionReport, { about }: { about: unknown }): Promise<unknown[]> {
    this.asked.push(about as ConfigurationQuestion);
    const held = this.held.get(pod);
    if (held === undefined) throw new Error('connect ECONNREFUSED');
    const { bodies } = about as ConfigurationQuestion;
    return held.map((each) => (bodies?.includes(each.key) === false ? { ...each, body: null } : each));
  }
}

/** Those that answer, as JSON goes over the wire. */
function askingOf(replicas: readonly Replica[], missing: string[] = []): AskReplicas {
  return async (path, query, signal) => {
    const answers = replicas.map((each) => proxyPaths(each)[path]!(new URLSearchParams(query), signal));
    const asked = [...replicas.map(({ replica }) => replica), ...missing];
    return {
      asked,
      answers: (await Promise.all(answers)).map((answer) => JSON.parse(JSON.stringify(answer))),
      missing,
    };
  };
}

async function get(
  own: Replica,
  others: AskReplicas,
  namespace: string | null,
  name: string | null = null,
): Promise<unknown> {
  const request: ApiRequest = {
    verb: name === null ? 'list' : 'get',
    namespace,
    name,
    query: new URLSearchParams(),
    user: { name: 'ann', uid: '', groups: [], extra: {} },
    signal: new AbortController().signal,
    body: () => Promise.reject(new Error('there is none')),
  };
  const answer = await proxiesRow(own, others).handle(request);
  if (!('json' in answer)) throw new Error('no JSON');
  return answer.json;
}

describe('proxies of the aggregated API', () => {
  const one = new Replica('weft-operator-1', [
    reportOf('web-1', [current('trust', 't1'), refused('service/10.96.0.1:80', 'old', 'new')]),
  ]);
  const two = new Replica('weft-operator-2', [
    reportOf('web-2', [current('trust', 't1')]),
    reportOf('other', [], { namespace: 'other', acknowledgedMs: null }),
  ]);
  one.held.set('web-1', [
    { key: 'trust', version: 't1', body: { is: 't1' } },
    { key: 'service/10.96.0.1:80', version: 'old', body: { is: 'old' } },
    { key: 'endpoints/shop/gone:80/ipv4', version: 'g', body: { endpoints: [] } },
  ]);

  it('lists the proxies of all replicas, whichever is asked, with what is not current', async () => {
    for (const [own, other] of [
      [one, two],
      [two, one],
    ] as const) {
      const list = (await get(own, askingOf([other]), null)) as ProxyList;
      expect(list).to.deep.include({ apiVersion: 'viz.weft.dev/v1alpha1', kind: 'ProxyList', missing: [] });
      expect(
        list.items.map(({ metadata, replica }) => `${metadata.namespace}/${metadata.name} ${replica}`),
      ).to.deep.equal(['other/other weft-operator-2', 'shop/web-1 weft-operator-1', 'shop/web-2 weft-operator-2']);
      const [other1, first, second] = list.items;
      expect(other1).to.deep.include({ acknowledgedSeconds: null, resources: 0, behind: [] });
      expect(second).to.deep.include({ connectedSeconds: 60, acknowledgedSeconds: 1.3, resources: 1, behind: [] });
      const state = { state: 'refused', seconds: 12.3, problems: ['routes[0]: no'] };
      expect(first!.behind).to.deep.equal([{ key: 'service/10.96.0.1:80', ...state }]);
    }
    const ofShop = (await get(one, askingOf([two]), 'shop')) as ProxyList;
    expect(ofShop.items.map(({ metadata }) => metadata.name)).to.deep.equal(['web-1', 'web-2']);
  });

  it('says which replicas have not answered, and shows the others', async () => {
    const list = (await get(one, askingOf([], ['weft-operator-2']), null)) as ProxyList;
    expect(list.missing).to.deep.equal(['weft-operator-2']);
    expect(list.items.map(({ metadata }) => metadata.name)).to.deep.equal(['web-1']);
  });

  it('a proxy that two replicas know is that of the younger connection', async () => {
    const before = new Replica('weft-operator-0', [reportOf('web-1', [], { connectedMs: 90_000 })]);
    const list = (await get(before, askingOf([one]), 'shop')) as ProxyList;
    expect(list.items.map(({ replica }) => replica)).to.deep.equal(['weft-operator-1']);
  });

  it('of one proxy shows what it has beside what it should have, bodies where they differ', async () => {
    for (const own of [one, two]) {
      const proxy = (await get(own, askingOf([one]), 'shop', 'web-1')) as ProxyDetail;
      expect(proxy).to.deep.include({ kind: 'Proxy', unasked: null, replica: 'weft-operator-1' });
      expect(proxy.configuration).to.deep.equal([
        { key: 'trust', held: { version: 't1', body: null }, wanted: { version: 't1', body: null } },
        {
          key: 'service/10.96.0.1:80',
          held: { version: 'old', body: { is: 'old' } },
          wanted: { version: 'new', body: { is: 'new' } },
        },
        { key: 'endpoints/shop/gone:80/ipv4', held: { version: 'g', body: { endpoints: [] } }, wanted: null },
      ]);
    }
    // Only the bodies of what differs are asked for.
    const differing = ['service/10.96.0.1:80', 'endpoints/shop/gone:80/ipv4'];
    expect(one.asked.slice(0, 2)).to.deep.equal([{ bodies: [] }, { bodies: differing }]);
  });

  it('says why a proxy could not be asked, and shows what it has acknowledged', async () => {
    const silent = new Replica('weft-operator-3', [reportOf('web-3', [refused('service/10.96.0.1:80', 'old', 'new')])]);
    const proxy = (await get(silent, askingOf([]), 'shop', 'web-3')) as ProxyDetail;
    expect(proxy.unasked).to.equal('connect ECONNREFUSED');
    expect(proxy.configuration).to.deep.equal([
      {
        key: 'service/10.96.0.1:80',
        held: { version: 'old', body: null },
        wanted: { version: 'new', body: { is: 'new' } },
      },
    ]);
  });

  it('a proxy that is connected nowhere is not found, and who has not answered is said', async () => {
    const failed = async (others: AskReplicas) =>
      get(one, others, 'shop', 'absent').then(
        () => expect.fail('found'),
        (error: { status: number; message: string }) => `${error.status} ${error.message}`,
      );
    expect(await failed(askingOf([two]))).to.equal('404 no proxy of a pod absent in namespace shop is connected');
    expect(await failed(askingOf([], ['weft-operator-2']))).to.match(/; no answer from weft-operator-2$/);
  });
});
