import { expect } from 'chai';
import { BY_ADDRESS } from '../../../proxy-image/core/resolve/address.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { newState, service } from './fixtures.ts';

describe('what a connection is for, by its address', () => {
  const WEB = { ip: '10.96.0.1', port: 80 };

  it('is asked for once, and has no answer until there is one', () => {
    const state = newState(new FakeClock());
    const asked: string[] = [];
    state.attach({ subscribe: (key) => asked.push(key), unsubscribe: () => {} });
    const destination = BY_ADDRESS.resolve(WEB, state);
    expect(destination.entry).to.equal(null);
    expect(BY_ADDRESS.resolve(WEB, state)).to.equal(destination);
    expect(asked).to.deep.equal(['service/10.96.0.1:80']);
    state.apply([{ op: 'set', key: destination.key, version: 'v1', body: service() }]);
    expect(destination.entry?.kind).to.equal('service');
  });

  it('is another thing at another port', () => {
    const state = newState(new FakeClock());
    expect(BY_ADDRESS.resolve({ ...WEB, port: 81 }, state)).not.to.equal(BY_ADDRESS.resolve(WEB, state));
  });
});
