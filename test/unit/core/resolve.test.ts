import { expect } from 'chai';
import { BY_ADDRESS } from '../../../proxy-image/core/resolve/address.ts';
import { HTTP_PORT, HTTPS_PORT, nameOf } from '../../../proxy-image/core/resolve/name.ts';
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

describe('what a request is for, by its name', () => {
  const named = (authority: string) => nameOf(authority, HTTP_PORT);

  it('is one name and one port, however they are spelt', () => {
    const web = { host: 'web.shop', port: 80 };
    for (const text of [
      'web.shop',
      'WEB.Shop',
      'web.shop.',
      'web.shop:80',
      'web.shop.:80',
      'web.shop:',
      'web.shop:00080',
    ])
      expect(named(text), text).to.deep.equal(web);
    expect(nameOf('web.shop', HTTPS_PORT)).to.deep.equal({ ...web, port: 443 });
    expect(nameOf('web.shop:80', HTTPS_PORT)).to.deep.equal(web);
  });

  it('may be an address, in its one form', () => {
    for (const text of ['10.0.0.1:8080', '10.0.0.1.:8080'])
      expect(named(text), text).to.deep.equal({ host: '10.0.0.1', port: 8080 });
    expect(named('[::1]')).to.deep.equal({ host: '::1', port: 80 });
    expect(named('[FD00:0:0::1]:8080')).to.deep.equal({ host: 'fd00::1', port: 8080 });
    expect(named('[::ffff:10.0.0.1]')).to.deep.equal({ host: '10.0.0.1', port: 80 });
  });

  it('what only looks like an address is nothing', () => {
    for (const text of [
      '1',
      '127.1',
      '010.0.0.1',
      '256.0.0.1',
      '0x7f000001',
      '1.2.3.0x4',
      'a.1',
      '[10.0.0.1]',
      '[::1',
      '::1',
      '[fe80::1%eth0]',
    ])
      expect(named(text), text).to.equal(null);
  });

  it('names of DNS may be as long as they are there, and nothing else is one', () => {
    const label = 'a'.repeat(63);
    const longest = `${label}.${label}.${label}.${'a'.repeat(61)}`;
    expect(named(`${longest}.`)?.host).to.equal(longest);
    expect(named('_grpc-1.a_b.x')?.host).to.equal('_grpc-1.a_b.x');
    for (const text of [
      '',
      '.',
      ':80',
      '..',
      'web..',
      '.web',
      'web..shop',
      '-web',
      'web-',
      `${longest}a`,
      `${label}a.web`,
    ])
      expect(named(text), text).to.equal(null);
    for (const text of ['a b', 'a\0', 'a\r\nb', 'a/b', 'a@b', 'a%62', 'a,b', '*', 'é', '\u212aube', 'a:b:80'])
      expect(named(text), JSON.stringify(text)).to.equal(null);
  });

  it('ports are those of TCP', () => {
    expect(named('web:65535')?.port).to.equal(65_535);
    for (const text of ['web:0', 'web:65536', 'web:000080', 'web:-1', 'web:8O', 'web: 80', 'web:80:80'])
      expect(named(text), text).to.equal(null);
  });
});
