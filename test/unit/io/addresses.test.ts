import { expect } from 'chai';
import { ipv6Text, parseListenAddress, plainIp } from '../../../proxy-image/io/transport/address.ts';
import { FixedDestination, parseLocalNetwork } from '../../../proxy-image/io/transport/local-network.ts';
import { RedirectedDestination } from '../../../proxy-image/io/transport/original-destination.ts';
import type { Connection } from '../../../proxy-image/io/transport/types.ts';

const groups = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(16);
  values.forEach((value, i) => {
    bytes.writeUInt16BE(value, 2 * i);
  });
  return bytes;
};

function connectionFrom(remote: string, fd = 7): Connection {
  return { fd, remote: { ip: remote, port: 1 } } as Connection;
}

describe('addresses', () => {
  it('v4-mapped addresses are IPv4', () => {
    expect(plainIp('::ffff:10.0.0.1')).to.equal('10.0.0.1');
    expect(plainIp('fd00::1')).to.equal('fd00::1');
    expect(ipv6Text(groups(0, 0, 0, 0, 0, 0xffff, 0x0a00, 1), 0)).to.equal('10.0.0.1');
  });

  // RFC 5952 sections 4.1 to 4.3.
  for (const [bytes, text] of [
    [groups(0xfd00, 0, 0, 0, 0, 0, 0, 1), 'fd00::1'],
    [groups(0, 0, 0, 0, 0, 0, 0, 1), '::1'],
    [groups(0, 0, 0, 0, 0, 0, 0, 0), '::'],
    [groups(0x2001, 0xdb8, 0, 1, 1, 1, 1, 1), '2001:db8:0:1:1:1:1:1'],
    [groups(0x2001, 0, 0, 1, 0, 0, 0, 1), '2001:0:0:1::1'],
    [groups(0x2001, 0xdb8, 0, 0, 1, 0, 0, 1), '2001:db8::1:0:0:1'],
    [groups(1, 2, 3, 4, 5, 6, 0, 0), '1:2:3:4:5:6::'],
  ] as const) {
    it(`IPv6 is written as ${text}`, () => expect(ipv6Text(bytes, 0)).to.equal(text));
  }

  it('listen addresses may leave the port to the system', () => {
    expect(parseListenAddress('127.0.0.1:0')).to.deep.equal({ ip: '127.0.0.1', port: 0 });
    expect(parseListenAddress('[::]:4143')).to.deep.equal({ ip: '::', port: 4143 });
    expect(parseListenAddress('localhost:80')).to.equal(null);
  });
});

describe('original destination', () => {
  it('is read as struct sockaddr_in for IPv4 peers, mapped ones too', () => {
    const asked: number[][] = [];
    const destination = new RedirectedDestination({
      get(fd, level, option, value) {
        asked.push([fd, level, option]);
        value.set([2, 0, 0x1f, 0x90, 10, 96, 0, 1]);
        return true;
      },
    });
    expect(destination.of(connectionFrom('10.0.0.9'))).to.deep.equal({ ip: '10.96.0.1', port: 8080 });
    expect(asked).to.deep.equal([[7, 0, 80]]);
  });

  it('is read as struct sockaddr_in6 for IPv6 peers', () => {
    const asked: number[][] = [];
    const destination = new RedirectedDestination({
      get(fd, level, option, value) {
        asked.push([fd, level, option]);
        value.set([10, 0, 0x00, 0x50, 0, 0, 0, 0, ...groups(0xfd00, 0, 0, 0, 0, 0, 0, 0x99)]);
        return true;
      },
    });
    expect(destination.of(connectionFrom('fd00::9'))).to.deep.equal({ ip: 'fd00::99', port: 80 });
    expect(asked).to.deep.equal([[7, 41, 80]]);
  });

  it('is unknown where the kernel does not know it, and for a closed connection', () => {
    const destination = new RedirectedDestination({ get: () => false });
    expect(destination.of(connectionFrom('10.0.0.9'))).to.equal(null);
    expect(destination.of(connectionFrom('10.0.0.9', -1))).to.equal(null);
  });
});

describe('local network', () => {
  const file = {
    outbound: [{ listen: '127.0.0.1:0', destination: '10.96.0.1:80' }],
    addresses: { '10.1.0.5': '127.0.1.5' },
  };

  it('names listeners with their destinations, and where addresses are served', () => {
    const network = parseLocalNetwork(file);
    expect(network.outbound[0]!.destination).to.deep.equal({ ip: '10.96.0.1', port: 80 });
    expect(network.dialAddress({ ip: '10.1.0.5', port: 4143 })).to.deep.equal({ ip: '127.0.1.5', port: 4143 });
    expect(network.dialAddress({ ip: '10.1.0.6', port: 1 })).to.deep.equal({ ip: '10.1.0.6', port: 1 });
    expect(new FixedDestination({ ip: '10.96.0.1', port: 80 }).of(connectionFrom('x'))).to.have.property('port', 80);
  });

  for (const [path, broken] of Object.entries({
    outbound: { ...file, outbound: {} },
    'outbound[0].listen': { ...file, outbound: [{ listen: 'x', destination: '10.96.0.1:80' }] },
    'outbound[0].destination': { ...file, outbound: [{ listen: '127.0.0.1:0' }] },
    addresses: { outbound: [] },
    'addresses.10.1.0.5': { outbound: [], addresses: { '10.1.0.5': 5 } },
  })) {
    it(`says what is wrong with ${path}`, () => {
      expect(() => parseLocalNetwork(broken))
        .to.throw(`${path}: expected`)
        .with.property('code', 'WEFT_CONFIG_ENVIRONMENT');
    });
  }

  it('refuses what is no object', () => {
    for (const value of [null, 5, 'x', []]) expect(() => parseLocalNetwork(value)).to.throw('WEFT_PROXY_LOCAL_NETWORK');
  });
});
