import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { TRAFFIC_SPLIT } from '../../../crds/kinds/traffic-split/model.ts';
import type { ServeMetrics } from '../../../operator/serve/types.ts';
import { SnapshotFile } from '../../../proxy-image/io/config-source/snapshot-file.ts';
import { ControlPlane } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { namespace, pod, service, slice, sliceEndpoint, split } from '../../support/models.ts';
import { type ClientOptions, StreamClient } from './fixtures/stream-client.ts';

const WEB = ['10.0.0.1', 80] as const;

/** One Service `web` at 10.0.0.1:80 with two meshed pods, of which `web-1` is the proxy's own. */
function fill(plane: ControlPlane): void {
  for (const name of ['app', 'client']) plane.put('Namespace', namespace(name));
  plane.put('Service', service('web', '10.0.0.1'));
  plane.put('Pod', pod('web-1', '10.1.0.1'));
  plane.put('Pod', pod('web-2', '10.1.0.2'));
  putSlice(plane, '10.1.0.1', '10.1.0.2');
}

function putSlice(plane: ControlPlane, ...addresses: string[]): void {
  plane.put(
    'EndpointSlice',
    slice(
      'web-abc',
      'web',
      addresses.map((address) => sliceEndpoint(address)),
    ),
  );
}

describe('configuration stream of the proxy', () => {
  let plane: ControlPlane;
  const clients: StreamClient[] = [];
  let sent: number;

  const metrics = (): Partial<ServeMetrics> => ({
    batchSent: (changes) => {
      sent += changes;
    },
  });

  beforeEach(async () => {
    sent = 0;
    plane = await ControlPlane.start({ metrics: metrics() });
    fill(plane);
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.stop();
    await plane.stop();
  });

  function client(options: ClientOptions = {}): StreamClient {
    const created = new StreamClient(plane, options).start();
    clients.push(created);
    return created;
  }

  it('brings its own workload and the trust bundle before anything is asked', async () => {
    const { state } = client();
    await eventually('workload and trust', () => state.status.workloadArrived && state.trust !== null);
    expect(state.trust?.anchorsPem).to.equal(plane.anchorsPem);
    expect(state.status.connected).to.equal(true);
    await eventually('the ack', () => plane.config.connections().current === 1);
  });

  it('answers a destination with its endpoints, and an address that nobody has with unknown', async () => {
    const { state, endpoints } = bindEndpoints(client());
    state.destination(...WEB);
    state.destination('192.0.2.1', 443);
    await eventually('endpoints', () => endpoints(...WEB)?.length === 2);
    expect(state.destination('192.0.2.1', 443).entry?.kind).to.equal('unknown');
  });

  it('follows changes: endpoints by patches, a split by its service', async () => {
    const { state, endpoints } = bindEndpoints(client());
    state.destination(...WEB);
    await eventually('endpoints', () => endpoints(...WEB)?.length === 2);
    putSlice(plane, '10.1.0.2', '10.1.0.3');
    await eventually('other endpoints', () => endpoints(...WEB)?.join() === '10.1.0.2,10.1.0.3');
    plane.put('Service', service('canary', '10.0.0.2'));
    plane.put('TrafficSplit', split('web', 'web', { web: 900, canary: 100 }));
    await eventually('two backends', () => {
      const { entry } = state.destination(...WEB);
      return entry?.kind === 'service' && entry.backends.length === 2;
    });
    await eventually('all acknowledged', () => plane.config.connections().current === 1);
    expect(plane.config.programmed({ kind: TRAFFIC_SPLIT.id, namespace: 'app', name: 'web' })).to.include({
      proxies: 1,
      current: 1,
    });
  });

  it('goes on when the operator is back on the same port, with what was asked and what changed meanwhile', async () => {
    const { state, connections, endpoints } = bindEndpoints(client());
    state.destination(...WEB);
    await eventually('endpoints', () => endpoints(...WEB)?.length === 2);
    await plane.stopConfig();
    await eventually('the loss', () => !state.status.connected);
    expect(endpoints(...WEB)).to.deep.equal(['10.1.0.1', '10.1.0.2']);
    state.destination('192.0.2.1', 443);
    putSlice(plane, '10.1.0.2');
    await plane.startConfig();
    await eventually('the change', () => endpoints(...WEB)?.join() === '10.1.0.2');
    await eventually('the answer', () => state.destination('192.0.2.1', 443).entry?.kind === 'unknown');
    expect(connections).to.deep.equal([true, false, true]);
  });

  it('is sent nothing again that it holds', async () => {
    const { state, connections, endpoints } = bindEndpoints(client());
    state.destination(...WEB);
    await eventually('endpoints', () => endpoints(...WEB)?.length === 2);
    await eventually('all acknowledged', () => plane.config.connections().current === 1);
    const before = sent;
    expect(before).to.be.greaterThan(3);
    await plane.stopConfig();
    await plane.startConfig();
    await eventually('the second connection', () => connections.length >= 3 || plane.config.connections().connected);
    await eventually('all known', () => plane.config.connections().current === 1);
    putSlice(plane, '10.1.0.2');
    await eventually('the change', () => endpoints(...WEB)?.join() === '10.1.0.2');
    expect(sent).to.equal(before + 1);
  });

  it('tells the operator what nobody uses any more, and keeps everything while the operator is away', async () => {
    const { state, endpoints } = bindEndpoints(client());
    state.destination(...WEB);
    await eventually('endpoints', () => endpoints(...WEB)?.length === 2);
    await eventually('all acknowledged', () => plane.config.connections().current === 1);
    await plane.stopConfig();
    await eventually('the loss', () => !state.status.connected);
    expect(state.releaseIdle(0)).to.deep.equal([]);
    await plane.startConfig();
    await eventually('the return', () => state.status.connected);
    expect(state.releaseIdle(0)).to.deep.equal(['service/10.0.0.1:80']);
    plane.put('TrafficSplit', split('web', 'web', { web: 1000 }));
    const ref = { kind: 'TrafficSplit', namespace: 'app', name: 'web' } as const;
    await eventually('no proxy for the split', () => plane.config.programmed(ref).proxies === 0);
  });

  it('waits for a certificate, and begins with the first one', async () => {
    const { state, credentials, transport } = client({ withoutCredentials: true });
    state.destination(...WEB);
    expect(plane.config.connections().connected).to.equal(0);
    credentials.give(transport, plane);
    await eventually('the answer', () => state.destination(...WEB).entry?.kind === 'service');
  });

  it('tries every address of the operator', async () => {
    const resolve = () => Promise.resolve(['127.0.0.2', '127.0.0.1']);
    const { state } = client({ resolve });
    await eventually('the workload', () => state.status.workloadArrived);
  });

  it('reports a name without address, and asks again', async () => {
    let answers = 0;
    const resolve = async () => {
      answers += 1;
      if (answers < 3) throw new Error('ENOTFOUND');
      return ['127.0.0.1'];
    };
    const { state, log } = client({ resolve });
    await eventually('the workload', () => state.status.workloadArrived);
    expect(log.lines.filter(({ level }) => level === 'warn')).to.have.length(2);
  });

  it('says why the operator refuses it: a certificate of another ServiceAccount', async () => {
    const { log } = client({ identity: 'other.app.serviceaccount.identity.linkerd.cluster.local' });
    await eventually('the refusal', () => log.codes.includes('WEFT_STREAM_REFUSED'));
    expect(log.lines.find(({ fields }) => fields['code'] === 'WEFT_STREAM_REFUSED')?.fields['error']).to.contain(
      'WEFT_SERVE_IDENTITY',
    );
  });

  describe('of a restarted container', () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'weft-snapshot-'));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    function snapshotFile(of: StreamClient): SnapshotFile {
      return new SnapshotFile(folder, () => of.state.persist(), of.transport.timers, of.log);
    }

    it('serves from the snapshot while the operator is away, and catches up on its return', async () => {
      const first = bindEndpoints(client());
      first.state.destination(...WEB);
      await eventually('endpoints', () => first.endpoints(...WEB)?.length === 2);
      const file = snapshotFile(first.client);
      file.changed();
      file.flush();
      first.client.stop();
      await plane.stopConfig();

      const second = bindEndpoints(new StreamClient(plane));
      clients.push(second.client);
      expect(second.state.restore(snapshotFile(second.client).load())).to.deep.equal([]);
      second.client.start();
      expect(second.endpoints(...WEB)).to.deep.equal(['10.1.0.1', '10.1.0.2']);
      expect(second.state.status).to.include({ workloadArrived: true, connected: false });
      putSlice(plane, '10.1.0.2');
      await plane.startConfig();
      await eventually('the change', () => second.endpoints(...WEB)?.join() === '10.1.0.2');
    });

    it('starts without one when the file is damaged or missing', () => {
      const fresh = new StreamClient(plane, { withoutCredentials: true });
      expect(snapshotFile(fresh).load()).to.equal(null);
      expect(fresh.log.codes).to.deep.equal([]);
      writeFileSync(join(folder, 'snapshot.json'), '{"format":1,"resou');
      expect(snapshotFile(fresh).load()).to.equal(null);
      expect(fresh.log.codes).to.deep.equal(['WEFT_STATE_FILE']);
    });
  });
});

function bindEndpoints(client: StreamClient) {
  const { state, connections } = client;
  return { client, state, connections, endpoints: (ip: string, port: number) => client.endpoints(ip, port) };
}
