import { expect } from 'chai';
import { compile } from '../../../crds/compile/compile.ts';
import { formatKey } from '../../../proxy-image/contract/keys.ts';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { clusterOf } from '../../support/routes/cluster.ts';
import { addressOf, http } from '../../support/routes/world.ts';
import { TestMesh, type TestProxy } from './mesh.ts';
import { askOn, dialRaw, ok, serveHttp, serveRaw } from './peers.ts';

const ADDRESS = { ip: addressOf('web'), port: 80 };
const USERS = ['ann', 'bob', 'eve', 'joe'];
/** So many requests of each, or streams in all: that all of them go one way by chance is out of the question. */
const MANY = 24;

/** Service `web` of the world, whose requests go by this key. */
function keyed(hashKey: string, appProtocol?: string): object {
  const port = { name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' };
  const annotations = { 'balancer.weft.dev/algorithm': 'consistent-hash', 'balancer.weft.dev/hash-key': hashKey };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop', uid: 'shop-web', annotations },
    spec: {
      clusterIP: ADDRESS.ip,
      clusterIPs: [ADDRESS.ip],
      ports: [appProtocol === undefined ? port : { ...port, appProtocol }],
      selector: { app: 'web' },
    },
  };
}

/** Consistent hashing, from the annotations of a Service to the endpoint that a client meets. */
export function affinitySuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let proxy: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    proxy = await mesh.proxy({ originalDestination: { of: () => ADDRESS } });
  });
  afterEach(() => mesh.stop());

  /** What the operator would tell the proxy; `portsOf`: what listens behind a Service. */
  function tell(objects: object[], portsOf: Readonly<Record<string, readonly number[]>>): void {
    const key = { kind: 'service', ...ADDRESS } as const;
    const { compiled, failure } = compile(clusterOf(objects), key, 'shop');
    if (compiled === null) throw failure ?? new Error('nothing to say');
    const { body } = compiled;
    for (const { meta, dispatch } of 'policy' in body ? body.policy.backends : []) {
      if (dispatch.type !== 'balance') continue;
      const endpoints = (portsOf[meta.name] ?? []).map((port) => ({
        ...mesh.plain(port),
        protocol: 'detect' as const,
      }));
      proxy.set(dispatch.endpoints, { sources: '1', endpoints });
    }
    proxy.set(formatKey(key), { ...body, sources: '1' });
  }

  /** Three endpoints, each of which says its name. */
  async function three(service: string): Promise<number[]> {
    const served = ['a', 'b', 'c'].map((each) => serveHttp(mesh, () => ok(`${service}-${each}`)));
    return (await Promise.all(served)).map(({ port }) => port);
  }

  /** Which endpoints a user has met. */
  async function metBy(user: string, requests = MANY): Promise<Set<string>> {
    const met = new Set<string>();
    for (let i = 0; i < requests; i++) {
      const client = dialRaw(mesh, proxy.outbound);
      const text = await askOn(client, `GET / HTTP/1.1\r\nHost: web\r\nX-User: ${user}\r\n\r\n`);
      met.add(text.slice(text.indexOf('\r\n\r\n') + 4));
      client.close();
    }
    return met;
  }

  it('a user stays with one endpoint', async () => {
    tell([keyed('header:x-user')], { web: await three('web') });
    const met = await Promise.all(USERS.map((user) => metBy(user)));
    expect(met.map(({ size }) => size)).to.deep.equal(USERS.map(() => 1));
    // A few users may well have one endpoint: the ports, and so the hashes, are others in each run.
    const others = await Promise.all(Array.from({ length: 30 }, (_, i) => metBy(`other-${i}`, 1)));
    expect(new Set(others.flatMap((each) => [...each])).size).to.be.above(1);
  });

  it('where a route splits, each request draws its backend, and a user stays with one endpoint of each', async () => {
    const split = http('split', [
      {
        backendRefs: [
          { name: 'v1', port: 80 },
          { name: 'v2', port: 80 },
        ],
      },
    ]);
    tell([keyed('header:x-user'), split], { v1: await three('v1'), v2: await three('v2') });
    for (const met of await Promise.all(USERS.map((user) => metBy(user)))) {
      expect([...met].map((name) => name.slice(0, 2)).toSorted()).to.deep.equal(['v1', 'v2']);
    }
  });

  /** How many of `MANY` streams each endpoint got. */
  async function streams(hashKey: string): Promise<number[]> {
    const servers = await Promise.all(USERS.slice(1).map(() => serveRaw(mesh, (one) => one.socket.write('heard'))));
    tell([keyed(hashKey, 'linkerd.io/opaque')], { web: servers.map(({ port }) => port) });
    for (let i = 0; i < MANY; i++) {
      const client = dialRaw(mesh, proxy.outbound);
      client.send('hello');
      await client.hears('heard');
      client.close();
    }
    return servers.map(({ served }) => served.length);
  }

  it('streams of one client stay together where its address is the key', async () => {
    expect((await streams('source')).toSorted()).to.deep.equal([0, 0, MANY]);
  });

  it('streams, which have no fields, go anywhere where a field is the key', async () => {
    expect((await streams('header:x-user')).filter((count) => count > 0).length).to.be.above(1);
  });
}
