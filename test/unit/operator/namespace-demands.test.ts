import { expect } from 'chai';
import type { RestClient } from '../../../operator/kube/rest.ts';
import { NamespaceDemands } from '../../../operator/namespace-demands.ts';
import { demandsOf } from '../../../webhooks/inject/demands.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { injected, meshWith, webPod } from '../../support/pods.ts';

const quota = (...names: string[]) => ({ spec: { hard: Object.fromEntries(names.map((name) => [name, '1'])) } });
const range = (item: object) => ({ spec: { limits: [{ type: 'Container', ...item }] } });

describe('what quotas of a namespace demand', () => {
  it('is what they name of CPU and memory, less what a LimitRange supplies', () => {
    expect(demandsOf([], [])).to.deep.equal([]);
    expect(demandsOf([quota('pods', 'requests.storage', 'count/secrets')], [])).to.deep.equal([]);
    expect(demandsOf([quota('cpu'), quota('limits.memory')], [])).to.deep.equal(['requests.cpu', 'limits.memory']);
    const all = quota('cpu', 'requests.memory', 'limits.cpu', 'limits.memory');
    expect(demandsOf([all], [range({ default: { cpu: '1' }, defaultRequest: { memory: '1Gi' } })])).to.deep.equal([
      'limits.memory',
    ]);
    expect(demandsOf([all], [range({ type: 'Pod', default: { cpu: '1' } })])).to.have.length(4);
    expect(demandsOf([null, {}, { spec: { hard: 5 } }], [7, { spec: { limits: 'x' } }])).to.deep.equal([]);
  });

  it('is met beside what annotations and the Mesh say, and not in a pod with resources as a whole', () => {
    const demands = ['requests.cpu', 'limits.cpu', 'limits.memory'] as const;
    const mesh = meshWith({ resources: { cpuRequest: '4', cpuLimit: '', memoryRequest: '', memoryLimit: '32Mi' } });
    expect(injected({ demands, mesh }).proxy.resources).to.deep.equal({
      requests: { cpu: '4' },
      limits: { cpu: '4', memory: '32Mi' },
    });
    const whole = webPod({ spec: { resources: { limits: { cpu: '1', memory: '1Gi' } } } });
    expect(injected({ demands, pod: whole }).proxy.resources).to.deep.equal({});
  });

  function world(json: (path: string) => Promise<unknown>) {
    const clock = new FakeClock();
    const asked: string[] = [];
    const rest = {
      json({ path }: { path: string }) {
        asked.push(path);
        return json(path);
      },
    } as unknown as RestClient;
    return { clock, asked, demands: new NamespaceDemands(rest, clock) };
  }

  it('is asked for once for a crowd of pods, and again after ten seconds', async () => {
    const { clock, asked, demands } = world(async (path) => ({
      items: path.endsWith('resourcequotas') ? [quota('limits.cpu')] : [],
    }));
    for (let i = 0; i < 100; i += 1) expect(await demands.of('shop')).to.deep.equal(['limits.cpu']);
    expect(asked).to.have.members(['/api/v1/namespaces/shop/resourcequotas', '/api/v1/namespaces/shop/limitranges']);
    await clock.advance(10_000);
    await demands.of('shop');
    expect(asked).to.have.length(4);
  });

  it('is nothing where it cannot be read, or not within a second: no admission fails or waits for it', async () => {
    expect(await world(() => Promise.reject(new Error('403'))).demands.of('shop')).to.deep.equal([]);
    const { clock, demands } = world(() => new Promise(() => {}));
    const answer = demands.of('shop');
    await clock.advance(1_000);
    expect(await answer).to.deep.equal([]);
  });
});
