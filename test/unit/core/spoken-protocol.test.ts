import { expect } from 'chai';
import type { InboundProtocol } from '../../../proxy-image/contract/policy/protocol.ts';
import {
  declaredHttp,
  type FirstBytesProtocol,
  type HttpProtocol,
  protocolAfterDetection,
  protocolAtFirst,
  protocolOfNextHop,
  type SessionProtocol,
} from '../../../proxy-image/core/state/protocol.ts';

interface Row {
  declared: InboundProtocol;
  http: HttpProtocol | null;
  /** Without a transport header; after one that says opaque, HTTP/1, HTTP/2. */
  atFirst: Record<'none' | SessionProtocol, string>;
  /** After first bytes that look like … */
  after: Record<FirstBytesProtocol, string>;
  /** To a client of HTTP/1, of HTTP/2. */
  nextHop: [HttpProtocol, HttpProtocol];
}

const asSaid = { opaque: 'opaque', http1: 'http1', http2: 'http2' };
const asSeen = { http1: 'http1', http2: 'http2', tls: 'bytes', opaque: 'bytes', timeout: 'bytes' };
/** A declared version counts where the bytes say nothing. */
const declared = (http: HttpProtocol) => ({ ...asSeen, tls: http, opaque: http, timeout: http });

const TABLE: Row[] = [
  {
    declared: 'detect',
    http: null,
    atFirst: { none: 'detect', ...asSaid },
    after: asSeen,
    nextHop: ['http1', 'http2'],
  },
  {
    declared: 'opaque',
    http: null,
    atFirst: { none: 'opaque', ...asSaid },
    after: asSeen,
    nextHop: ['http1', 'http2'],
  },
  {
    declared: 'tls',
    http: null,
    atFirst: { none: 'opaque', ...asSaid },
    after: asSeen,
    nextHop: ['http1', 'http2'],
  },
  {
    declared: 'http1',
    http: 'http1',
    atFirst: { none: 'detect', ...asSaid, opaque: 'detect' },
    after: declared('http1'),
    nextHop: ['http1', 'http1'],
  },
  {
    declared: 'http2',
    http: 'http2',
    atFirst: { none: 'detect', ...asSaid, opaque: 'detect' },
    after: declared('http2'),
    nextHop: ['http2', 'http2'],
  },
  {
    declared: 'grpc',
    http: 'http2',
    atFirst: { none: 'detect', ...asSaid, opaque: 'detect' },
    after: declared('http2'),
    nextHop: ['http2', 'http2'],
  },
];

const SESSIONS = ['opaque', 'http1', 'http2'] as const;
const DETECTED = ['http1', 'http2', 'tls', 'opaque', 'timeout'] as const;
const PLAIN = { upgrade: false, isGrpc: false, tunnels: false };

describe('what is spoken where something is declared', () => {
  for (const row of TABLE) {
    it(`${row.declared}: at first, after the first bytes, and to the next hop`, () => {
      expect(declaredHttp(row.declared)).to.equal(row.http);
      expect(protocolAtFirst(row.declared, null)).to.equal(row.atFirst.none);
      for (const session of SESSIONS) {
        expect(protocolAtFirst(row.declared, session), `session ${session}`).to.equal(row.atFirst[session]);
      }
      for (const bytes of DETECTED) {
        expect(protocolAfterDetection(bytes, row.declared) ?? 'bytes', bytes).to.equal(row.after[bytes]);
      }
      expect(protocolOfNextHop(PLAIN, row.declared, 'http1')).to.equal(row.nextHop[0]);
      expect(protocolOfNextHop(PLAIN, row.declared, 'http2')).to.equal(row.nextHop[1]);
    });

    it(`${row.declared}: an upgrade goes on as HTTP/1, gRPC and tunnels as HTTP/2`, () => {
      for (const client of ['http1', 'http2'] as const) {
        expect(protocolOfNextHop({ ...PLAIN, upgrade: true }, row.declared, client)).to.equal('http1');
        expect(protocolOfNextHop({ ...PLAIN, isGrpc: true }, row.declared, client)).to.equal('http2');
        expect(protocolOfNextHop({ ...PLAIN, tunnels: true }, row.declared, client)).to.equal('http2');
      }
    });
  }
});
