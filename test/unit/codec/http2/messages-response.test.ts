import { expect } from 'chai';
import * as rejection from '../../../../proxy-image/codec/http2/rejection.ts';
import type { Http2Response } from '../../../../proxy-image/codec/http2/response.ts';
import type { Http2Trailers } from '../../../../proxy-image/codec/http2/trailers.ts';
import { NO_GRPC_STATUS } from '../../../../proxy-image/contract/policy/grpc-status.ts';
import { requestOf, responseOf, trailersOf, WRITER } from '../../../support/http2.ts';
import { listOf, read, valid } from './messages-rig.ts';
import type { Field } from './plain-hpack.ts';

const OK: Field = [':status', '200'];

function response(...fields: Field[]): Http2Response {
  return valid(responseOf(listOf([OK, ...fields])));
}

function trailers(...fields: Field[]): Http2Trailers {
  return valid(trailersOf(listOf(fields)));
}

function refuses(title: string, code: number, ...fieldLists: readonly (readonly Field[])[]): void {
  it(title, () => {
    for (const fields of fieldLists) expect(responseOf(listOf(fields)), JSON.stringify(fields)).to.equal(code);
  });
}

describe('HTTP/2 responses', () => {
  it('RFC 9113 §8.3.2: the status', () => {
    for (const status of ['100', '103', '200', '404', '599']) {
      expect(valid(responseOf(listOf([[':status', status]]))).status).to.equal(Number(status));
    }
  });

  it('say what a proxy has to know', () => {
    const said = response(['content-length', '5'], ['l5d-proxy-error', 'fail-fast'], ['x', 'y']);
    expect(said).to.include({ contentLength: 5, proxyError: 'fail-fast', grpcStatus: NO_GRPC_STATUS });
    expect([said.first('x'), said.first('z')]).to.deep.equal(['y', '']);
    expect(response()).to.include({ contentLength: -1, proxyError: '' });
  });

  it('carry a gRPC status; what is none is UNKNOWN', () => {
    const statuses = ['0', '5', '16', '17', '', 'x', '-1', '1.5', '100'].map(
      (value) => response(['grpc-status', value]).grpcStatus,
    );
    expect(statuses).to.deep.equal([0, 5, 16, 2, 2, 2, 2, 2, 2]);
  });

  it('are worked out once for a list', () => {
    const list = listOf([OK]);
    expect(responseOf(list)).to.equal(responseOf(list));
    expect(requestOf(list)).to.equal(rejection.UNKNOWN_PSEUDO);
    expect(responseOf(list)).to.be.an('object');
  });

  refuses(
    'RFC 9113 §8.3.2: a status that is none',
    rejection.MALFORMED_STATUS,
    ...['', '99', '099', '600', '1000', '2xx', '+20', '20 '].map((value): Field[] => [[':status', value]]),
  );
  refuses('A12: RFC 9113 §8.6: 101 does not exist', rejection.MALFORMED_STATUS, [[':status', '101']]);
  refuses('RFC 9113 §8.3.2: no status', rejection.MISSING_PSEUDO, [], [['x', 'y']]);
  refuses('RFC 9113 §8.3: two of them', rejection.REPEATED_PSEUDO, [OK, OK]);
  refuses('RFC 9113 §8.3: of a request', rejection.UNKNOWN_PSEUDO, [[':path', '/'], OK], [OK, [':path', '/']]);
  refuses('RFC 9113 §8.3: behind a field', rejection.MISPLACED_PSEUDO, [OK, ['x', 'y'], OK]);
  refuses('A14: RFC 9113 §8.2: malformed fields', rejection.MALFORMED_VALUE, [OK, ['x', 'a\r\nb']], [OK, ['x', 'a\0']]);
  refuses('A14: RFC 9113 §8.2: upper-case names', rejection.MALFORMED_NAME, [OK, ['Set-Cookie', 'a']]);
  refuses('A14: RFC 9113 §8.2.2: chunked coding', rejection.CONNECTION_FIELD, [OK, ['transfer-encoding', 'chunked']]);
  refuses('A14: RFC 9110 §8.6: two lengths', rejection.REPEATED_CONTENT_LENGTH, [
    OK,
    ['content-length', '5'],
    ['content-length', '6'],
  ]);

  it('C2: pass on nothing of the mesh, but the error where it may be told', () => {
    const said = response(['l5d-proxy-error', 'fail-fast'], ['l5d-x', ''], ['x', 'y']);
    expect(read(said.forwardBlock(false, WRITER))).to.deep.equal([OK, ['x', 'y']]);
    expect(read(said.forwardBlock(true, WRITER))).to.deep.equal([OK, ['l5d-proxy-error', 'fail-fast'], ['x', 'y']]);
    expect(said.forwardBlock(true, WRITER)).to.equal(said.forwardBlock(true, WRITER));
    expect(said.forwardBlock(false, WRITER)).to.equal(said.forwardBlock(false, WRITER));
    const plain = response(['x', 'y']);
    expect(plain.forwardBlock(true, WRITER)).to.equal(plain.forwardBlock(false, WRITER));
  });

  it('RFC 7541 §7.1.3: keep sensitive fields so', () => {
    const said = valid(responseOf(listOf([OK, ['set-cookie', 'a']], new Set([1]))));
    expect([...said.forwardBlock(false, WRITER)]).to.deep.equal([0x88, 0x1f, 55 - 15, 1, 97]);
  });
});

describe('HTTP/2 trailers', () => {
  it('carry a gRPC status', () => {
    expect(trailers(['grpc-status', '14']).grpcStatus).to.equal(14);
    expect(trailers(['grpc-status', 'x']).grpcStatus).to.equal(2);
    expect(trailers(['x', 'y']).grpcStatus).to.equal(NO_GRPC_STATUS);
  });

  it('are worked out once for a list', () => {
    const list = listOf([['grpc-status', '0']]);
    expect(trailersOf(list)).to.equal(trailersOf(list));
    expect(valid(trailersOf(list)).forwardBlock(WRITER)).to.equal(valid(trailersOf(list)).forwardBlock(WRITER));
  });

  it('RFC 9113 §8.1: have no pseudo-header fields', () => {
    expect(trailersOf(listOf([[':status', '200']]))).to.equal(rejection.MISPLACED_PSEUDO);
    expect(
      trailersOf(
        listOf([
          ['x', ''],
          [':path', '/'],
        ]),
      ),
    ).to.equal(rejection.MISPLACED_PSEUDO);
  });

  it('A8: RFC 9113 §8.2: have well-formed fields', () => {
    expect(trailersOf(listOf([['X', '']]))).to.equal(rejection.MALFORMED_NAME);
    expect(trailersOf(listOf([['x', 'a\nb']]))).to.equal(rejection.MALFORMED_VALUE);
    expect(trailersOf(listOf([['connection', 'close']]))).to.equal(rejection.CONNECTION_FIELD);
  });

  it('A7: pass on what gRPC needs, and nothing that frames, routes or identifies', () => {
    const passed: Field[] = [
      ['grpc-status', '0'],
      ['grpc-message', 'fine'],
      ['grpc-status-details-bin', 'CAA'],
      ['x-any', 'y'],
    ];
    const dropped: Field[] = [
      ['l5d-client-id', 'forged'],
      ['l5d-proxy-error', 'x'],
      ['host', 'web'],
      ['content-length', '5'],
      ['authorization', 'x'],
      ['set-cookie', 'a=b'],
    ];
    const mixed = passed.flatMap((field, i) => [field, ...dropped.slice(i * 2, i * 2 + 2)]);
    expect(read(trailers(...mixed).forwardBlock(WRITER))).to.deep.equal(passed);
    expect(trailers(...dropped).forwardBlock(WRITER)).to.have.length(0);
  });
});
