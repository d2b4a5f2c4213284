import { expect } from 'chai';
import {
  addressProtocol,
  endpointProtocol,
  inboundProtocol,
  serviceProtocol,
} from '../../../crds/compile/shared/port-protocol.ts';
import type { ServerModel } from '../../../crds/kinds/server/model.ts';
import type { PortRange } from '../../../proxy-image/contract/port-ranges.ts';
import { server, servicePort } from '../../support/models.ts';

const PORT = 8080;
const OPAQUE: PortRange[] = [[8000, 8100]];

/** What a Server declares: what the pod's proxy goes by, and what callers are told; then both on an opaque port. */
const SERVERS: [
  declared: ServerModel['proxyProtocol'] | null,
  inbound: string,
  callers: string,
  opaqueInbound: string,
][] = [
  [null, 'detect', 'detect', 'opaque'],
  ['unknown', 'detect', 'detect', 'opaque'],
  ['HTTP/1', 'http1', 'http1', 'http1'],
  ['HTTP/2', 'http2', 'http2', 'http2'],
  ['gRPC', 'grpc', 'http2', 'grpc'],
  ['opaque', 'opaque', 'opaque', 'opaque'],
  ['TLS', 'tls', 'opaque', 'tls'],
];

describe('what is declared to be spoken (docs/traffic.md: protocols)', () => {
  for (const [declared, inbound, callers, opaqueInbound] of SERVERS) {
    it(`on a pod’s port whose Server says ${declared ?? 'nothing, for there is none'}`, () => {
      const named = declared === null ? null : server('web', { proxyProtocol: declared });
      expect(inboundProtocol(PORT, named, [])).to.equal(inbound);
      expect(endpointProtocol(PORT, named, [])).to.equal(callers);
      expect(inboundProtocol(PORT, named, OPAQUE)).to.equal(opaqueInbound);
      // For clients with a proxy an opaque port is opaque whatever its Server says.
      expect(endpointProtocol(PORT, named, OPAQUE)).to.equal('opaque');
    });
  }

  it('on a Service’s port: appProtocol, before any list; one that is not HTTP is opaque', () => {
    const spoken = (appProtocol: string, opaque: PortRange[]) =>
      serviceProtocol(servicePort(PORT, { appProtocol }), opaque);
    for (const opaque of [[], OPAQUE]) {
      expect(spoken('http', opaque)).to.equal('http1');
      expect(spoken('kubernetes.io/h2c', opaque)).to.equal('http2');
      for (const other of ['linkerd.io/opaque', 'https', 'kubernetes.io/ws', 'redis', 'HTTP', 'constructor']) {
        expect(spoken(other, opaque), other).to.equal('opaque');
      }
    }
    expect(spoken('', [])).to.equal('detect');
    expect(spoken('', OPAQUE)).to.equal('opaque');
  });

  it('at an address of nobody: nothing but lists of ports can say', () => {
    expect(addressProtocol(PORT, [])).to.equal('detect');
    expect(addressProtocol(PORT, OPAQUE)).to.equal('opaque');
    expect(addressProtocol(8101, OPAQUE)).to.equal('detect');
  });
});
