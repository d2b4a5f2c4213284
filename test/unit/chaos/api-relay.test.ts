import { expect } from 'chai';
import type { PooledKubeConfig } from '../../../operator/kube/kubeconfig.ts';
import { listWatch } from '../../../operator/kube/list-watch.ts';
import { RestClient } from '../../../operator/kube/rest.ts';
import type { RequestError } from '../../../operator/runtime/errors.ts';
import { ApiRelay } from '../../chaos/api-relay.ts';
import { Ledger } from '../../chaos/ledger.ts';
import { FAIR, type Weather } from '../../chaos/weather.ts';
import { FakeApiServer } from '../../fakes/api-server.ts';
import { SERVICES, service } from '../../fakes/watching.ts';
import { createLeaf, createTestAuthority } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';

const { keyPem, chainPem } = createLeaf(createTestAuthority(), 'admin');
const SERVICE = { group: '', version: 'v1', plural: 'services' };

describe('relay before an API server', () => {
  let api: FakeApiServer;
  let relay: ApiRelay;
  let ledger: Ledger;
  let config: PooledKubeConfig;
  let rest: RestClient;

  beforeEach(async () => {
    api = await new FakeApiServer().start();
    ledger = new Ledger();
    const port = Number(new URL(api.url).port);
    const upstream = { port, adminCertificatePem: chainPem, adminKeyPem: keyPem, ...api.proof };
    relay = await new ApiRelay({ api: upstream, ledger, author: 'a', random: () => 0 }).start();
    config = relay.kubeConfig();
    rest = new RestClient(config);
  });

  afterEach(async () => {
    await config.close();
    await relay.stop();
    await api.stop();
  });

  const weather = (change: Partial<Weather>) => {
    relay.weather = { ...FAIR, ...change };
  };

  const create = (name: string, timeoutMs = 2_000) =>
    rest.json({ method: 'POST', path: SERVICES, body: service(name), timeoutMs, signal: new AbortController().signal });

  const failure = (name: string, timeoutMs?: number) =>
    create(name, timeoutMs).then(
      () => null,
      (error: RequestError) => error,
    );

  /** What a watch brings until it ends. */
  function watch(): { seen: string[]; ended: Promise<string> } {
    const seen: string[] = [];
    const options = { resourceVersion: '100', timeoutSeconds: 60, signal: new AbortController().signal };
    const observer = {
      opened: () => seen.push('opened'),
      event: (type: string, object: { metadata?: { name?: string } }) =>
        seen.push(`${type} ${object.metadata?.name ?? ''}`),
    };
    const ended = listWatch(rest, SERVICE)
      .watch(options, {
        opened: () => void observer.opened(),
        event: (type, object) => void observer.event(type, object),
      })
      .then(
        () => 'end',
        (error: RequestError) => `${error.failure}: ${error.message}`,
      );
    return { seen, ended };
  }

  it('carries requests, answers and watches when the weather is fair, and notes writes with their author', async () => {
    const { seen } = watch();
    await eventually('it is open', () => seen.length === 1);
    await create('one');
    await eventually('the event', () => seen.includes('ADDED one'));
    expect(ledger.entries).to.have.length(1);
    expect(ledger.entries[0]).to.include({ author: 'a', method: 'POST', object: `${SERVICES}/one` });
  });

  it('answers in place of the API server', async () => {
    weather({ refused: 1, refusal: { status: 429, retryAfterSeconds: 7 } });
    expect(await failure('one')).to.include({ failure: 'Throttled', retryAfterMs: 7_000 });
    weather({ refused: 1, refusal: { status: 410, retryAfterSeconds: 0 } });
    expect(await failure('one')).to.include({ failure: 'Expired', status: 410 });
    expect(api.requests).to.deep.equal([]);
  });

  it('has a request carried out and its answer cut off, or cut short, and notes it all the same', async () => {
    weather({ cut: 1 });
    expect(await failure('one')).to.include({ failure: 'Transient' });
    weather({ truncated: 1 });
    expect(await failure('two')).to.include({ failure: 'Transient' });
    expect(ledger.entries.map(({ object }) => object)).to.deep.equal([`${SERVICES}/one`, `${SERVICES}/two`]);
  });

  it('refuses connections, and lets them come again', async () => {
    weather({ refusing: true });
    expect(await failure('one')).to.include({ failure: 'Transient' });
    weather({});
    await create('one');
  });

  it('goes silent: nothing is answered, nothing ends, and a watch of before stays silent for ever', async () => {
    const { seen } = watch();
    await eventually('it is open', () => seen.length === 1);
    weather({ silent: true });
    expect((await failure('one', 100))?.message).to.equal('no answer within the time limit');
    weather({});
    await create('two');
    const again = watch();
    await eventually('a new watch hears of it', () => again.seen.includes('ADDED two'));
    expect(seen).to.deep.equal(['opened']);
    expect(api.objects.get(SERVICES, 'shop/one'), 'what was not passed on is not done').to.equal(undefined);
  });

  it('ends a watch in the middle of a line', async () => {
    const { seen, ended } = watch();
    await eventually('it is open', () => seen.length === 1);
    weather({ cut: 1 });
    api.objects.put(SERVICES, service('one'));
    expect(await ended).to.contain('Transient');
    expect(seen).to.deep.equal(['opened']);
  });

  it('tells events twice, and keeps bookmarks back', async () => {
    const { seen } = watch();
    await eventually('it is open', () => seen.length === 1);
    weather({ duplicating: true, withoutBookmarks: true });
    api.bookmark();
    api.objects.put(SERVICES, service('one'));
    await eventually('both', () => seen.length >= 3);
    expect(seen).to.deep.equal(['opened', 'ADDED one', 'ADDED one']);
  });

  it('tells open watches that they have expired, and resets connections', async () => {
    const expired = watch();
    await eventually('it is open', () => expired.seen.length === 1);
    relay.expire();
    expect(await expired.ended).to.contain('Expired');
    const cut = watch();
    await eventually('it is open', () => cut.seen.length === 1);
    relay.cut();
    expect(await cut.ended).to.contain('Transient');
  });

  it('passes nothing on from its end on, but has what was passed on before carried out', async () => {
    let passed = () => {};
    const isHeld = new Promise<void>((resolve) => {
      relay.after = () =>
        new Promise((release) => {
          passed = release;
          resolve();
        });
    });
    const first = failure('one');
    await isHeld;
    relay.end();
    passed();
    expect(await first).to.include({ failure: 'Transient' });
    expect(await failure('two')).to.include({ failure: 'Transient' });
    expect(ledger.entries.map(({ object }) => object)).to.deep.equal([`${SERVICES}/one`]);
  });
});
