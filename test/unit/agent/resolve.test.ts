import { expect } from 'chai';
import { absoluteName, resolveHost } from '../../../proxy-image/io/control/resolve.ts';

describe('names that the proxy looks up', () => {
  for (const [host, looked] of [
    ['weft-operator.weft-system.svc.cluster.local', 'weft-operator.weft-system.svc.cluster.local.'],
    ['weft-operator.weft-system.svc.cluster.local.', 'weft-operator.weft-system.svc.cluster.local.'],
    ['api.example.com', 'api.example.com.'],
    ['localhost', 'localhost'],
    ['10.0.0.1', '10.0.0.1'],
    ['fd00::1', 'fd00::1'],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
  ] as const) {
    it(`${host} is looked up as ${looked}`, () => {
      expect(absoluteName(host)).to.equal(looked);
    });
  }

  it('an address is its own answer', async () => {
    expect(await resolveHost('127.0.0.1')).to.deep.equal(['127.0.0.1']);
    expect(await resolveHost('::1')).to.deep.equal(['::1']);
  });
});
