import { expect } from 'chai';
import { parseLocalNetwork } from '../../../proxy-image/io/transport/local-network.ts';
import { listenersOf } from '../../../proxy-image/run/listeners.ts';

const at = (port: number) => [{ ip: '127.0.0.1', port }];
const CONFIG = { outbound: at(4140), inbound: at(4143), inboundPlain: at(4144), admin: at(4191), tapPort: 4190 };
const REDIRECTED = { of: () => null };

function rows(localNetwork: Parameters<typeof listenersOf>[3]) {
  return listenersOf(CONFIG, '', REDIRECTED, localNetwork).map(({ name, kind, bind, isOwnPort }) => {
    return `${name} ${kind} ${bind.map(({ port }) => port).join()} ${isOwnPort ? 'own' : 'shared'}`;
  });
}

describe('what a proxy listens on', () => {
  it('in a pod: one listener of each kind, all of whose ports are its own', () => {
    expect(rows(null)).to.deep.equal([
      'admin admin 4191 own',
      'control control 4190 own',
      'inbound inbound-mesh 4143 own',
      'inboundPlain inbound-plain 4144 own',
      'outbound transparent 4140 own',
    ]);
  });

  it('embedded: a listener for each destination, at ports that the application may have too', () => {
    const outbound = [
      { listen: '127.0.0.1:8001', destination: '10.96.0.1:80' },
      { listen: '127.0.0.1:8002', destination: '10.96.0.2:80' },
    ];
    expect(rows(parseLocalNetwork({ outbound, addresses: {} })).slice(4)).to.deep.equal([
      'outbound transparent 8001 shared',
      'outbound transparent 8002 shared',
    ]);
  });
});
