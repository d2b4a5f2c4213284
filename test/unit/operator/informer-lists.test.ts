import { expect } from 'chai';
import { systemClock } from '../../../operator/runtime/clock.ts';
import { RequestError } from '../../../operator/runtime/errors.ts';
import { Informer } from '../../../operator/runtime/informer.ts';
import type { ListWatch, RawObject } from '../../../operator/runtime/list-watch.ts';
import { silentLog } from '../../../operator/runtime/log.ts';
import { eventually } from '../../support/eventually.ts';

describe('a list of thousands', () => {
  interface Thing extends RawObject {
    value: string;
  }
  const thing = (name: string, version: string): Thing => ({
    metadata: { namespace: 'n', name, uid: `uid-${name}`, resourceVersion: version },
    value: name,
  });

  it('is reduced item by item as it comes, and not at all as far as it is known', async () => {
    const reduced: string[] = [];
    const pages: Thing[][] = [[thing('a', '1'), thing('b', '2')], [thing('c', '3')]];
    const seenBetween: string[][] = [];
    let expires: (error: Error) => void = () => {};
    const source: ListWatch<Thing> = {
      async list({ continueToken }, item) {
        const at = Number(continueToken);
        for (const each of pages[at]!) {
          item(each);
          seenBetween.push([...reduced]);
        }
        return { resourceVersion: '9', continueToken: at + 1 < pages.length ? String(at + 1) : '' };
      },
      watch: (_, observer) => {
        observer.opened();
        return new Promise((_resolve, reject) => {
          expires = reject;
        });
      },
    };
    const informer = new Informer<Thing, { value: string }>({
      name: 'things',
      source,
      transform: ({ value }) => {
        reduced.push(value);
        return { value };
      },
      clock: systemClock,
      random: Math.random,
      log: silentLog,
      timing: { shortWatchMs: 0 },
    });
    informer.start();
    await eventually('the list', () => informer.hasSynced);
    expect(seenBetween).to.deep.equal([['a'], ['a', 'b'], ['a', 'b', 'c']]);
    pages[1] = [{ ...thing('c', '4'), value: 'C' }];
    expires(new RequestError('Expired', 'too old'));
    await eventually('another list', () => informer.store.get('n/c')?.value === 'C');
    expect(reduced).to.deep.equal(['a', 'b', 'c', 'C']);
    expect(informer.store.size).to.equal(3);
    expires(new RequestError('Transient', 'the end'));
    await informer.stop();
  });
});
