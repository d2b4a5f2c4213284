import { expect } from 'chai';
import { abortable, DeadlineExceeded, sleep, systemClock, withDeadline } from '../../../operator/runtime/clock.ts';
import { failureOf, RequestError, retryAfterOf } from '../../../operator/runtime/errors.ts';
import { objectKey, splitKey } from '../../../operator/runtime/list-watch.ts';
import { errorFields } from '../../../operator/runtime/log.ts';
import { Store } from '../../../operator/runtime/store.ts';
import { FakeClock, settle } from '../../fakes/clock.ts';

describe('store', () => {
  interface Thing {
    namespace: string;
    refs: string[];
  }
  const entry = (key: string, refs: string[], uid = 'u') => ({
    key,
    uid,
    version: '1',
    object: { namespace: key.split('/')[0]!, refs } as Thing,
  });

  it('finds objects by every value of every index, and only while they have it', () => {
    const store = new Store<Thing>({ namespace: ({ namespace }) => [namespace], ref: ({ refs }) => refs });
    store.put(entry('a/1', ['x', 'y']));
    store.put(entry('b/1', ['y']));
    expect([...store.keysBy('ref', 'y')]).to.deep.equal(['a/1', 'b/1']);
    expect(store.listBy('namespace', 'a').map(({ refs }) => refs)).to.deep.equal([['x', 'y']]);
    store.put(entry('a/1', ['z']));
    expect([...store.keysBy('ref', 'y')]).to.deep.equal(['b/1']);
    expect([...store.keysBy('ref', 'x')]).to.deep.equal([]);
    store.remove('b/1');
    store.remove('never/there');
    expect([...store.keysBy('ref', 'y')]).to.deep.equal([]);
    expect([...store.keys()]).to.deep.equal(['a/1']);
    expect(store.list()).to.have.length(1);
  });

  it('refuses to look into an index that it does not keep', () => {
    expect(() => new Store().keysBy('nope', '')).to.throw(RangeError);
  });

  it('freezes plain data to its depths, and leaves instances of classes alone', () => {
    class Cache {
      hits = 0;
    }
    const store = new Store<{ list: { n: number }[]; cache: Cache }>();
    store.put({ key: 'a', uid: '', version: '', object: { list: [{ n: 1 }], cache: new Cache() } });
    const held = store.get('a')!;
    expect(Object.isFrozen(held.list[0])).to.equal(true);
    held.cache.hits += 1;
    expect(held.cache.hits).to.equal(1);
  });
});

describe('clock', () => {
  it('sleeps until the time or until it is aborted', async () => {
    const clock = new FakeClock();
    const abort = new AbortController();
    let awake = 0;
    void sleep(clock, 1_000, abort.signal).then(() => awake++);
    void sleep(clock, 5_000, abort.signal).then(() => awake++);
    await clock.advance(1_000);
    expect(awake).to.equal(1);
    abort.abort();
    await settle();
    expect(awake).to.equal(2);
    expect(clock.timers).to.equal(0);
    await sleep(clock, 1_000, abort.signal);
  });

  it('ends work at its deadline even when the work ignores its signal', async () => {
    const clock = new FakeClock();
    const failed = withDeadline(clock, 100, new AbortController().signal, () => new Promise(() => {})).catch(
      (error: unknown) => error,
    );
    await clock.advance(100);
    expect(await failed).to.be.instanceOf(DeadlineExceeded);
  });

  it('ends work at once when what is around it has ended before', async () => {
    const abort = new AbortController();
    abort.abort(new Error('over'));
    const failed = await withDeadline(new FakeClock(), 100, abort.signal, (signal) => {
      return abortable(new Promise(() => {}), signal);
    }).catch((error: Error) => error.message);
    expect(failed).to.equal('over');
  });

  it('swallows a rejection that comes after the abort', async () => {
    const abort = new AbortController();
    let fail = (_: Error) => {};
    const work = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const result = abortable(work, abort.signal).catch((error: Error) => error.message);
    abort.abort(new Error('first'));
    fail(new Error('second'));
    expect(await result).to.equal('first');
  });

  it('of the system takes delays of any size', async () => {
    const timer = systemClock.schedule(2 ** 40, () => expect.fail('fired at once'));
    await new Promise((resolve) => setTimeout(resolve, 20));
    timer.cancel();
    expect(systemClock.wallMs()).to.be.closeTo(Date.now(), 1_000);
  });
});

describe('keys and errors', () => {
  it('names objects with and without a namespace', () => {
    expect(objectKey({ metadata: { namespace: 'a', name: 'b' } })).to.equal('a/b');
    expect(objectKey({ metadata: { name: 'b' } })).to.equal('b');
    expect(objectKey({})).to.equal('');
    expect(splitKey('a/b')).to.deep.equal({ namespace: 'a', name: 'b' });
    expect(splitKey('b')).to.deep.equal({ namespace: '', name: 'b' });
  });

  it('takes what it does not know for transient', () => {
    expect(failureOf(new Error('socket hang up'))).to.equal('Transient');
    expect(failureOf('text')).to.equal('Transient');
    expect(retryAfterOf(new Error('x'))).to.equal(0);
    expect(retryAfterOf(new RequestError('Throttled', 'x', { retryAfterMs: 5 }))).to.equal(5);
  });

  it('puts code and cause of an error into the fields of a log line', () => {
    const error = Object.assign(new Error('outer', { cause: new Error('inner') }), { code: 'WEFT_X' });
    expect(errorFields(error)).to.deep.equal({ error: 'outer', code: 'WEFT_X', cause: 'inner' });
    expect(errorFields('text')).to.deep.equal({ error: 'text' });
  });
});
