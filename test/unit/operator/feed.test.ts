import { expect } from 'chai';
import { KINDS } from '../../../crds/kinds/registry.ts';
import type { KindRow } from '../../../crds/kinds/row.ts';
import { SERVER_ROW } from '../../../crds/kinds/server/kind.ts';
import { parseServer } from '../../../crds/kinds/server/parse.ts';
import { serversIn } from '../../../crds/kinds/server/queries.ts';
import { SPLITS_OF_SERVICE, splitOf } from '../../../crds/kinds/traffic-split/queries.ts';
import { readMeshMeta } from '../../../crds/parse/metadata.ts';
import { ClusterState } from '../../../crds/state/cluster-state.ts';
import { indexRead } from '../../../crds/state/reads.ts';
import { feed } from '../../../operator/reconcilers/feed.ts';
import { KindFeed } from '../../../proxy-image/io/config-source/kubernetes/feed.ts';
import { rowOf } from '../../support/kinds.ts';
import { rawServer, rawSplit, resourceOf } from './status-rig.ts';

describe('feeding the state', () => {
  it('keeps the last good state of an object in force while it is invalid, and forgets it when it is deleted', () => {
    const state = new ClusterState(KINDS);
    const changed: string[][] = [];
    const fed = feed(state, rowOf('TrafficSplit'), (reads) => changed.push([...reads]));
    const read = indexRead(SPLITS_OF_SERVICE, 'shop/web');
    const weights = () => splitOf(state, 'shop', 'web')?.backends.map(({ weight }) => weight);
    fed.added!(resourceOf(rawSplit([{ service: 'v1', weight: 'heavy' }])), false);
    expect(weights(), 'without an earlier version it is as if absent').to.equal(undefined);
    fed.updated!(
      resourceOf(rawSplit()),
      resourceOf(rawSplit([{ service: 'v1', weight: 3 }], { resourceVersion: '6' })),
    );
    expect(weights()).to.deep.equal([3_000]);
    expect(changed.at(-1)).to.include(read);
    changed.length = 0;
    fed.updated!(
      resourceOf(rawSplit()),
      resourceOf(rawSplit([{ service: 'v1', weight: -1 }], { resourceVersion: '7' })),
    );
    expect(weights()).to.deep.equal([3_000]);
    expect(changed).to.deep.equal([]);
    fed.deleted!(resourceOf(rawSplit([{ service: 'v1', weight: -1 }], { resourceVersion: '7' })), '9');
    expect(weights()).to.equal(undefined);
    expect(changed.at(-1)).to.include(read);
    expect(state.departed(read), 'the version of the deletion counts').to.equal('9');
  });

  it('an invalid Server keeps its last good state, and denies where there is none; a new one of its name owes nothing to the old', () => {
    const state = new ClusterState(KINDS);
    const fed = feed(state, rowOf('Server'), () => {});
    const put = (resourceVersion: string, accessPolicy: string, uid = 'u1') => {
      const raw = rawServer('web', accessPolicy, { uid, resourceVersion });
      const meta = readMeshMeta(raw);
      fed.added!({ meta, deleting: false, parsed: parseServer(raw), status: { conditions: [] } }, false);
    };
    const policies = () => serversIn(state, 'shop').map(({ accessPolicy }) => accessPolicy);
    put('5', 'denny');
    expect(policies()).to.deep.equal(['deny']);
    put('6', 'all-authenticated');
    put('7', 'denny');
    expect(policies()).to.deep.equal(['all-authenticated']);
    put('8', 'denny', 'u2');
    expect(policies()).to.deep.equal(['deny']);
  });

  it('what the kubelet writes of a pod that goes on as before, and what a tool notes beside an object, tells nobody', () => {
    const state = new ClusterState(KINDS);
    const changed: string[][] = [];
    const put = (kind: 'Pod' | 'Server', raw: unknown) => {
      const row: KindRow = rowOf(kind);
      const seen = { meta: readMeshMeta(raw), deleting: false, parsed: row.parse(raw), status: undefined };
      feed(state, row, (reads) => changed.push([...reads])).added!(seen, false);
    };
    const pod = (resourceVersion: string, restartCount: number) => ({
      metadata: {
        name: 'web-1',
        namespace: 'shop',
        uid: 'u',
        resourceVersion,
        annotations: { 'x.example/at': resourceVersion },
      },
      spec: { containers: [{ name: 'app', ports: [{ containerPort: 8080 }] }] },
      status: { phase: 'Running', podIP: '10.1.0.1', containerStatuses: [{ name: 'app', restartCount }] },
    });
    const server = (resourceVersion: string) =>
      rawServer('web', 'deny', {
        uid: 's',
        resourceVersion,
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': resourceVersion },
      });
    put('Pod', pod('1', 0));
    put('Server', server('2'));
    expect(changed.length).to.equal(2);
    put('Pod', pod('3', 1));
    put('Server', server('4'));
    expect(changed.length).to.equal(2);
    expect(state.positionOf(rowOf('Pod'))).to.equal('3');
  });

  it('in direct mode too: what cannot be used takes nothing away', () => {
    const state = new ClusterState(KINDS);
    const feed = new KindFeed(SERVER_ROW, state, { touched: () => {}, listed: () => {} });
    const raw = (resourceVersion: string, name: string, accessPolicy: string) =>
      rawServer(name, accessPolicy, { uid: name, resourceVersion });
    const policies = () =>
      Object.fromEntries(serversIn(state, 'shop').map((each) => [each.meta.name, each.accessPolicy]));
    feed.stored(raw('5', 'a', 'all-authenticated'));
    feed.stored(raw('6', 'a', 'denny'));
    feed.stored(raw('7', 'b', 'denny'));
    expect(policies()).to.deep.equal({ a: 'all-authenticated', b: 'deny' });
    feed.listStarted();
    feed.page([raw('6', 'a', 'denny')]);
    feed.listEnded('9');
    expect(policies()).to.deep.equal({ a: 'all-authenticated' });
    feed.deleted(raw('10', 'a', 'denny'));
    expect(policies()).to.deep.equal({});
  });

  it('advances by lists, bookmarks and invalid objects', () => {
    const state = new ClusterState(KINDS);
    const fed = feed(state, rowOf('Pod'), () => {});
    fed.advanced!('77');
    expect(state.position(), 'other kinds have seen nothing').to.equal('');
  });
});
