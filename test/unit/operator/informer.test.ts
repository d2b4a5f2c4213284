import { expect } from 'chai';
import { REFLECTOR_TIMING } from '../../../operator/runtime/reflector.ts';
import { statusBody } from '../../fakes/api-server.ts';
import { SERVICES, service, type Watching, watching } from '../../fakes/watching.ts';
import { eventually } from '../../support/eventually.ts';

describe('informer', () => {
  let open: Watching[] = [];
  let unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);

  before(() => process.on('unhandledRejection', note));
  after(() => process.off('unhandledRejection', note));

  afterEach(async () => {
    for (const each of open) await each.close();
    open = [];
    expect(unhandled, 'unhandled rejections').to.deep.equal([]);
    unhandled = [];
  });

  /** Started and synced, on a server that holds Services `names`. */
  async function started(names: string[], timing: Parameters<typeof watching>[0] = {}): Promise<Watching> {
    const each = await watching(timing);
    open.push(each);
    for (const name of names) each.api.objects.put(SERVICES, service(name));
    each.informer.start();
    await eventually('synced and watching', () => each.informer.hasSynced && each.api.openWatches === 1);
    return each;
  }

  describe('list', () => {
    it('takes what the server has at hand first, in pages of 500, and is synced only once all are delivered', async () => {
      const names = Array.from({ length: 1_201 }, (_, i) => `s${i}`);
      const { api, seen, informer } = await started(names);
      const lists = api.lists(SERVICES);
      expect(lists.map(({ query }) => query.get('limit'))).to.deep.equal(['500', '500', '500']);
      expect(lists[0]!.query.get('resourceVersion')).to.equal('0');
      expect(lists[1]!.query.has('resourceVersion'), 'a continued list names no version').to.equal(false);
      expect(seen).to.deep.equal([...names.map((name) => `+${name}`), '=']);
      expect(informer.store.size).to.equal(1_201);
    });

    it("watches from the list's version, not from an item's, with bookmarks and a random end of 300 to 600 s", async () => {
      const { api } = await started(['a']);
      api.objects.compact();
      const [watch] = api.watches(SERVICES);
      expect(watch!.query.get('resourceVersion')).to.equal('101');
      expect(watch!.query.get('allowWatchBookmarks')).to.equal('true');
      expect(watch!.query.get('timeoutSeconds')).to.equal('300');
    });

    it('tries again after a 500, without an end and without a false sync', async () => {
      const each = await watching();
      open.push(each);
      let failures = 3;
      each.api.fault = ({ isWatch }) => (!isWatch && failures-- > 0 ? { type: 'status', status: 500 } : null);
      each.api.objects.put(SERVICES, service('a'));
      each.informer.start();
      await eventually('synced', () => each.informer.hasSynced);
      expect(each.informer.stats).to.include({ lists: 4, listErrors: 3 });
      expect(each.seen).to.deep.equal(['+a', '=']);
    });

    it('starts over, with a consistent list, when a continue token has expired', async () => {
      const each = await watching({ pageSize: 1 });
      open.push(each);
      for (const name of ['a', 'b']) each.api.objects.put(SERVICES, service(name));
      let refusals = 1;
      each.api.fault = ({ query }) =>
        query.has('continue') && refusals-- > 0 ? { type: 'status', status: 410 } : null;
      each.informer.start();
      await eventually('synced', () => each.informer.hasSynced);
      const asked = each.api.lists(SERVICES).map(({ query }) => {
        return query.has('continue') ? 'next page' : (query.get('resourceVersion') ?? 'newest');
      });
      expect(asked).to.deep.equal(['0', 'next page', 'newest', 'next page']);
      expect(each.seen).to.deep.equal(['+a', '+b', '=']);
    });

    it('gives up on a page that hangs and asks again', async () => {
      const each = await watching({ listTimeoutMs: 300 });
      open.push(each);
      let hangs = 1;
      each.api.fault = () => (hangs-- > 0 ? { type: 'hang' } : null);
      each.informer.start();
      await eventually('synced', () => each.informer.hasSynced);
      expect(each.informer.stats.listErrors).to.be.at.least(1);
    });
  });

  describe('events', () => {
    it('tells of additions, changes with the old and the new object, and deletions with their version', async () => {
      const { api, informer, seen } = await started(['a']);
      const updates: [unknown, unknown][] = [];
      const deletions: [string, string][] = [];
      informer.addHandler({
        updated: (before, after) => updates.push([before['spec'], after['spec']]),
        deleted: (last, version) => deletions.push([last.metadata.name, version]),
      });
      api.objects.put(SERVICES, service('b'));
      api.objects.put(SERVICES, service('a', { type: 'NodePort' }));
      api.objects.remove(SERVICES, 'shop/a');
      await eventually('deleted', () => seen.includes('-a'));
      expect(seen).to.deep.equal(['+a', '=', '+b', '~a', '-a']);
      expect(updates).to.deep.equal([[{}, { type: 'NodePort' }]]);
      expect(deletions).to.deep.equal([['a', api.objects.version]]);
    });

    it('keeps frozen objects: one reader cannot spoil them for another', async () => {
      const { informer } = await started(['a']);
      const held = informer.store.get('shop/a')!;
      expect(Object.isFrozen(held.metadata)).to.equal(true);
      expect(() => {
        held.metadata.name = 'b';
      }).to.throw(TypeError);
    });

    it('treats the same name with another uid as another object', async () => {
      const { api, seen } = await started(['a']);
      api.objects.put(SERVICES, { ...service('a'), metadata: { ...service('a').metadata, uid: 'second' } });
      await eventually('new object', () => seen.length === 4);
      expect(seen).to.deep.equal(['+a', '=', '-a', '+a']);
    });

    it('suppresses an event with a version that it has already', async () => {
      const { api, seen, informer } = await started(['a']);
      const held = api.objects.get(SERVICES, 'shop/a');
      api.inject(`${JSON.stringify({ type: 'MODIFIED', object: held })}\n`);
      await eventually('event', () => informer.stats.events === 1);
      expect(seen).to.deep.equal(['+a', '=']);
    });

    it('logs and counts a handler that throws, and goes on with the others', async () => {
      const { api, informer, seen, log } = await started(['a']);
      informer.addHandler({
        updated() {
          throw new Error('broken handler');
        },
      });
      api.objects.put(SERVICES, service('a', { x: 1 }));
      api.objects.put(SERVICES, service('b'));
      await eventually('later event', () => seen.includes('+b'));
      expect(informer.stats.handlerErrors).to.equal(1);
      expect(log.messages('error')).to.deep.equal(['a handler failed']);
      expect(api.watches(SERVICES).length, 'the watch goes on').to.equal(1);
    });

    it('tells a handler that comes later of everything known so far', async () => {
      const { informer } = await started(['a', 'b']);
      const seen: string[] = [];
      informer.addHandler({
        added: (object, initial) => seen.push(`${object.metadata.name} ${initial}`),
        synced: () => seen.push('synced'),
      });
      expect(seen).to.deep.equal(['a true', 'b true', 'synced']);
    });

    it('puts an event together that comes in pieces, cut within a character', async () => {
      const { api, seen } = await started([]);
      const object = { ...service('ü'), metadata: { ...service('ü').metadata, resourceVersion: '500' } };
      const bytes = Buffer.from(`${JSON.stringify({ type: 'ADDED', object })}\n`);
      const middle = bytes.indexOf(0xc3) + 1;
      api.inject(bytes.subarray(0, middle));
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(seen).to.deep.equal(['=']);
      api.inject(bytes.subarray(middle));
      await eventually('event', () => seen.includes('+ü'));
    });
  });

  describe('end of a watch', () => {
    it('opens a new one from the last version after a clean close, without a list', async () => {
      const { api, seen } = await started(['a']);
      api.objects.put(SERVICES, service('b'));
      await eventually('event', () => seen.includes('+b'));
      api.endWatches('close');
      await eventually('second watch', () => api.watches(SERVICES).length === 2);
      expect(api.watches(SERVICES)[1]!.query.get('resourceVersion')).to.equal(api.objects.version);
      expect(api.lists(SERVICES).length).to.equal(1);
    });

    it('loses nothing that happened between two watches', async () => {
      const { api, seen } = await started(['a', 'b']);
      let away = true;
      api.fault = () => (away ? { type: 'reset' } : null);
      api.endWatches('reset');
      await eventually('watch gone', () => api.openWatches === 0);
      api.objects.remove(SERVICES, 'shop/a');
      api.objects.put(SERVICES, service('b', { changed: true }));
      api.objects.put(SERVICES, service('c'));
      away = false;
      await eventually('caught up', () => seen.includes('+c'));
      expect(seen).to.deep.equal(['+a', '+b', '=', '-a', '~b', '+c']);
      expect(api.lists(SERVICES).length, 'events were kept: no list').to.equal(1);
    });

    it('advances by bookmarks, so that a quiet kind does not expire', async () => {
      const { api, informer } = await started(['a']);
      const versions: string[] = [];
      informer.addHandler({ advanced: (version) => versions.push(version) });
      api.objects.put('/api/v1/pods', service('other'));
      api.objects.compact();
      api.bookmark();
      await eventually('bookmark', () => versions.length > 0);
      expect(versions).to.deep.equal([api.objects.version]);
      api.endWatches('close');
      await eventually('second watch', () => api.openWatches === 1 && api.watches(SERVICES).length === 2);
      expect(api.lists(SERVICES).length, 'no 410, so no list').to.equal(1);
    });

    it('recovers from a connection reset', async () => {
      const { api, seen, informer } = await started(['a']);
      api.endWatches('reset');
      await eventually('watching again', () => api.openWatches === 1);
      api.objects.put(SERVICES, service('b'));
      await eventually('event', () => seen.includes('+b'));
      expect(informer.stats.restarts.error).to.equal(1);
    });

    it('pauses ever longer when the server closes at once each time, and does not list', async () => {
      const { api, informer } = await started(['a'], { shortWatchMs: 1_000 });
      const times: number[] = [];
      api.fault = ({ isWatch }) => {
        if (isWatch) times.push(performance.now());
        return isWatch ? { type: 'status', status: 200, body: '' } : null;
      };
      api.endWatches('close');
      await eventually('five tries', () => times.length >= 5);
      const pauses = times.slice(1).map((time, i) => time - times[i]!);
      for (const [i, atLeastMs] of [40, 80, 160, 200].entries()) expect(pauses[i]).to.be.at.least(atLeastMs - 2);
      expect(api.lists(SERVICES).length).to.equal(1);
      expect(informer.stats.restarts.error).to.be.at.least(5);
    });

    it('ends a watch with a line that is no JSON, instead of dropping an event', async () => {
      const { api, seen, informer } = await started(['a']);
      api.inject('{"type":"ADDED","object":{"meta\n');
      await eventually('second watch', () => api.watches(SERVICES).length === 2 && api.openWatches === 1);
      expect(informer.stats.restarts.error).to.equal(1);
      api.objects.put(SERVICES, service('b'));
      await eventually('event', () => seen.includes('+b'));
    });
  });

  describe('410', () => {
    for (const how of ['as HTTP status', 'as event in the stream'] as const) {
      it(`${how}: lists consistently and tells of what was missed, deletions first`, async () => {
        const { api, seen, informer } = await started(['a', 'b']);
        api.objects.remove(SERVICES, 'shop/a', true);
        api.objects.put(SERVICES, service('c'), true);
        api.objects.put(SERVICES, service('b', { changed: true }), true);
        api.objects.compact();
        api.endWatches(how === 'as HTTP status' ? 'close' : { error: statusBody(410, 'Expired') });
        await eventually('caught up', () => seen.length >= 6);
        expect(seen).to.deep.equal(['+a', '+b', '=', '-a', '~b', '+c']);
        expect(api.lists(SERVICES)[1]!.query.has('resourceVersion'), 'the newest, not what is at hand').to.equal(false);
        expect(informer.stats.restarts.expired).to.equal(1);
      });
    }

    it('pauses when a version expires right after its list', async () => {
      const { api } = await started(['a'], { shortWatchMs: 1_000 });
      api.fault = ({ isWatch }) => (isWatch ? { type: 'status', status: 410 } : null);
      api.endWatches('close');
      await eventually('listed again', () => api.lists(SERVICES).length >= 2);
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(api.lists(SERVICES).length).to.be.at.most(6);
    });

    it('lists anew when the server knows less than was seen before', async () => {
      const { api } = await started(['a']);
      let behind = true;
      const details = { causes: [{ reason: 'ResourceVersionTooLarge' }] };
      api.fault = ({ isWatch }) => {
        if (!isWatch || !behind) return null;
        behind = false;
        return { type: 'status', status: 504, body: statusBody(504, 'Timeout', details) };
      };
      api.endWatches('close');
      await eventually('listed again', () => api.lists(SERVICES).length === 2);
    });
  });

  describe('a server that is overloaded or away', () => {
    it('waits as long as a 429 asks for', async () => {
      const { api, informer } = await started(['a']);
      const times: number[] = [];
      api.fault = ({ isWatch }) => {
        if (!isWatch) return null;
        times.push(performance.now());
        return times.length === 1 ? { type: 'status', status: 429, headers: { 'retry-after': '1' } } : null;
      };
      api.endWatches('close');
      await eventually('asked again', () => times.length === 2);
      expect(times[1]! - times[0]!).to.be.at.least(995);
      expect(informer.stats.restarts.throttled).to.equal(1);
    });

    it('never empties the store by a list that fails', async () => {
      const { api, informer, seen } = await started(['a']);
      api.objects.compact();
      api.fault = ({ isWatch }) => (isWatch ? null : { type: 'status', status: 503 });
      api.endWatches('close');
      await eventually('failing lists', () => informer.stats.listErrors >= 2);
      expect(informer.store.size).to.equal(1);
      expect(informer.hasSynced).to.equal(true);
      expect(seen).to.deep.equal(['+a', '=']);
    });

    it('comes back after the server was away', async () => {
      const { api, informer, seen } = await started(['a']);
      const port = Number(new URL(api.url).port);
      await api.stop();
      await eventually('noticed', () => informer.stats.restarts.error >= 2);
      api.objects.put(SERVICES, service('b'), true);
      await api.start(port);
      api.objects.compact();
      await eventually('caught up', () => seen.includes('+b'));
      expect(seen).to.deep.equal(['+a', '=', '+b']);
    });
  });

  describe('silence', () => {
    it('has a watchdog of 120 s by default, above the period of bookmarks', () => {
      expect(REFLECTOR_TIMING.idleTimeoutMs).to.equal(120_000);
      expect(REFLECTOR_TIMING.backoff).to.deep.equal({
        initialMs: 800,
        maxMs: 30_000,
        spread: [1, 2],
        resetAfterMs: 120_000,
      });
      expect(REFLECTOR_TIMING.auditMs).to.equal(600_000);
    });

    it('opens the watch anew from the last version, without a list, and gets what was held back', async () => {
      const { api, informer, seen } = await started(['a'], { idleTimeoutMs: 150 });
      api.silent = true;
      api.objects.put(SERVICES, service('b'));
      await eventually('reopened', () => informer.stats.restarts.idle >= 1);
      api.silent = false;
      await eventually('event', () => seen.includes('+b'));
      expect(api.lists(SERVICES).length).to.equal(1);
      await eventually('old watch gone', () => api.openWatches === 1);
    });

    it('never leaves a quiet kind unwatched: the silence was pause enough', async () => {
      const backoff = { initialMs: 60_000, maxMs: 60_000, spread: [1, 1], resetAfterMs: 1 } as const;
      const { api, informer, seen } = await started(['a'], { idleTimeoutMs: 100, backoff });
      await eventually('reopened thrice', () => informer.stats.restarts.idle >= 3);
      api.objects.put(SERVICES, service('b'));
      await eventually('event', () => seen.includes('+b'));
    });

    it('leaves a watch alone that carries bookmarks only', async () => {
      const { api, informer } = await started(['a'], { idleTimeoutMs: 600 });
      for (let i = 0; i < 15; i++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        api.bookmark();
      }
      expect(informer.stats.restarts.idle).to.equal(0);
      expect(api.watches(SERVICES).length).to.equal(1);
    });

    it('is visible while it lasts', async () => {
      const { api, informer } = await started(['a'], { idleTimeoutMs: 60_000 });
      api.silent = true;
      await eventually('silence grows', () => informer.silentMs > 150);
      api.silent = false;
      api.bookmark();
      await eventually('heard', () => informer.silentMs < 50);
    });

    it('gives up on a watch request that gets no answer at all', async () => {
      const { api, informer } = await started(['a'], { idleTimeoutMs: 100 });
      let hangs = 1;
      api.fault = ({ isWatch }) => (isWatch && hangs-- > 0 ? { type: 'hang' } : null);
      api.endWatches('close');
      await eventually('watching again', () => informer.stats.restarts.idle >= 1 && api.openWatches === 1);
    });
  });

  describe('audit', () => {
    it('finds what the watch has lost, delivers it, counts it and opens a new watch', async () => {
      const { api, informer, seen } = await started(['a', 'b'], { auditMs: 100, auditGraceMs: 20 });
      api.objects.put(SERVICES, service('c'), true);
      api.objects.put(SERVICES, service('b', { changed: true }), true);
      api.objects.remove(SERVICES, 'shop/a', true);
      await eventually('found', () => informer.stats.missed === 3);
      expect(seen).to.deep.equal(['+a', '+b', '=', '-a', '~b', '+c']);
      expect(informer.stats.restarts.missed).to.equal(1);
      await eventually('new watch', () => api.watches(SERVICES).length >= 2 && api.openWatches === 1);
      await eventually('next audit', () => informer.stats.lists >= 4);
      expect(informer.stats.missed, 'a healthy watch misses nothing').to.equal(3);
    });

    it('does not take an event on its way for a lost one', async () => {
      const { api, informer, seen } = await started(['a'], { auditMs: 50, auditGraceMs: 250 });
      for (let i = 0; i < 100; i++) {
        api.objects.put(SERVICES, service(`x${i}`));
        if (i % 3 === 0) api.objects.remove(SERVICES, `shop/x${i}`);
        await new Promise((resolve) => setTimeout(resolve, 4));
      }
      await eventually('all seen', () => seen.includes('+x99'));
      await eventually('two audits', () => informer.stats.lists >= 3);
      expect(informer.stats.missed).to.equal(0);
      expect(api.watches(SERVICES).length, 'the watch was never disturbed').to.equal(1);
    });

    it('is harmless when its list fails', async () => {
      const { api, informer, log } = await started(['a'], { auditMs: 50, auditGraceMs: 10 });
      api.fault = ({ isWatch }) => (isWatch ? null : { type: 'status', status: 500 });
      await eventually('failed', () => informer.stats.listErrors >= 2);
      expect(informer.store.size).to.equal(1);
      expect(api.openWatches).to.equal(1);
      expect(log.messages('warn')).to.include('could not audit the cache');
    });
  });

  describe('stop', () => {
    it('ends the watch without an error, and keeps what is known', async () => {
      const { api, informer, log } = await started(['a']);
      await informer.stop();
      await eventually('watch gone', () => api.openWatches === 0);
      expect(log.lines).to.deep.equal([]);
      expect(informer.store.size).to.equal(1);
    });

    it('while the first list is pending: no watch opens afterwards', async () => {
      const each = await watching();
      open.push(each);
      each.api.fault = () => ({ type: 'delay', ms: 100 });
      each.informer.start();
      await eventually('list asked for', () => each.api.requests.length === 1);
      await each.informer.stop();
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(each.api.watches(SERVICES)).to.deep.equal([]);
      expect(each.seen).to.deep.equal([]);
      expect(each.log.lines).to.deep.equal([]);
    });

    it('and start again: goes on with one watch, and hears of what happened in between', async () => {
      const { api, informer, seen } = await started(['a', 'b']);
      const stopped = informer.stop();
      api.objects.remove(SERVICES, 'shop/a');
      await stopped;
      informer.start();
      informer.start();
      await eventually('watching again', () => seen.includes('-a') && api.openWatches === 1);
      expect(seen).to.deep.equal(['+a', '+b', '=', '-a']);
    });

    it('ends a wait for the sync', async () => {
      const each = await watching();
      open.push(each);
      const abort = new AbortController();
      const waiting = each.informer.waitForSync(abort.signal);
      abort.abort();
      expect(await waiting).to.equal(false);
    });
  });

  it('skips an object that cannot be read and keeps what was known of it', async () => {
    const each = await watching();
    open.push(each);
    const { Informer } = await import('../../../operator/runtime/informer.ts');
    const { listWatch } = await import('../../../operator/kube/list-watch.ts');
    const { RestClient } = await import('../../../operator/kube/rest.ts');
    const { PooledKubeConfig } = await import('../../../operator/kube/kubeconfig.ts');
    const { systemClock } = await import('../../../operator/runtime/clock.ts');
    const config = each.api.configure(new PooledKubeConfig());
    const informer = new Informer({
      name: 'services',
      source: listWatch(new RestClient(config), { group: '', version: 'v1', plural: 'services' }),
      transform(raw: { metadata?: { name?: string }; spec?: { poison?: boolean } }) {
        if (raw.spec?.poison === true) throw new TypeError('poisoned');
        return { name: raw.metadata?.name };
      },
      clock: systemClock,
      random: Math.random,
      log: each.log,
    });
    each.api.objects.put(SERVICES, service('a'));
    informer.start();
    await eventually('watching', () => each.api.openWatches === 1);
    each.api.objects.put(SERVICES, service('a', { poison: true }));
    each.api.objects.put(SERVICES, service('b'));
    await eventually('next object', () => informer.store.size === 2);
    expect(informer.store.get('shop/a')).to.deep.equal({ name: 'a' });
    expect(informer.stats.transformErrors).to.equal(1);
    await informer.stop();
    await config.close();
  });
});
