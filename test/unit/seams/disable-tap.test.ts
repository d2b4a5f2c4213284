import { expect } from 'chai';
import { RawCluster } from '../../support/raw-cluster.ts';
import { ManualClock, newState, WORKLOAD_KEY } from '../core/fixtures.ts';

const DISABLE = 'viz.linkerd.io/disable-tap';
const POD = { ip: '10.1.0.1' };

/** What a proxy goes by after raw objects went through injection, parsing, compilation and its own reader: fields beside those always redacted, or `null`. */
function redactsOf(prepare: (cluster: RawCluster) => void, annotations: Record<string, string> = {}): unknown {
  const cluster = new RawCluster();
  cluster.namespace({});
  prepare(cluster);
  cluster.pod('web-1', { ...POD, annotations });
  const state = newState(new ManualClock());
  const body = { ...cluster.workload('web-1'), sources: '1' };
  expect(state.apply([{ op: 'set', key: WORKLOAD_KEY, version: 'v', body }])).to.deep.equal([]);
  return state.settings.tapRedacts;
}

describe('who may be tapped', () => {
  const nothing = (): void => {};

  it('every pod, without an annotation', () => {
    expect(redactsOf(nothing)).to.deep.equal([]);
    expect(redactsOf(nothing, { [DISABLE]: 'false' })).to.deep.equal([]);
  });

  it('not a pod that says so, or whose namespace does; the pod’s own word counts', () => {
    const disabled = (cluster: RawCluster) => cluster.namespace({ [DISABLE]: 'true' });
    expect(redactsOf(nothing, { [DISABLE]: 'true' })).to.equal(null);
    expect(redactsOf(disabled)).to.equal(null);
    expect(redactsOf(disabled, { [DISABLE]: 'false' })).to.deep.equal([]);
  });

  it('not where what is said cannot be read', () => {
    for (const value of ['yes please', 'tru', '1 0'])
      expect(redactsOf(nothing, { [DISABLE]: value }), value).to.equal(null);
  });

  it('fields that the Mesh lists are redacted, in lower case and once', () => {
    const mesh = (cluster: RawCluster) => cluster.mesh({ tap: { redactHeaders: ['X-Session', 'x-session', 'X-Key'] } });
    expect(redactsOf(mesh)).to.deep.equal(['x-key', 'x-session']);
  });

  it('a proxy whose operator says nothing of it is tapped by nobody', () => {
    const cluster = new RawCluster();
    cluster.namespace({});
    cluster.pod('web-1', POD);
    const { settings, ...rest } = cluster.workload('web-1');
    const { tapRedacts: _, ...older } = settings;
    const state = newState(new ManualClock());
    const body = { ...rest, sources: '1', settings: older as typeof settings };
    expect(state.apply([{ op: 'set', key: WORKLOAD_KEY, version: 'v', body }])).to.deep.equal([]);
    expect(state.settings.tapRedacts).to.equal(null);
  });
});
