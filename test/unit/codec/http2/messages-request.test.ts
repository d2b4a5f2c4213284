import { expect } from 'chai';
import * as rejection from '../../../../proxy-image/codec/http2/rejection.ts';
import type { Http2Request } from '../../../../proxy-image/codec/http2/request.ts';
import { ExtraFields, NO_EXTRA_FIELDS } from '../../../../proxy-image/http/message.ts';
import { requestOf, WRITER } from '../../../support/http2.ts';
import { listOf, read, valid } from './messages-rig.ts';
import type { Field } from './plain-hpack.ts';

const GET: readonly Field[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'web'],
];

/** GET with some pseudo-header fields replaced (`null`: left out), and fields behind. */
function head(replaced: Record<string, string | null> = {}, ...fields: Field[]): Field[] {
  const pseudo = GET.flatMap(([name, value]): Field[] => {
    const other = replaced[name];
    if (other === null) return [];
    return [[name, other ?? value]];
  });
  const added = Object.entries(replaced).flatMap(([name, value]): Field[] =>
    value === null || GET.some(([known]) => known === name) ? [] : [[name, value]],
  );
  return [...pseudo, ...added, ...fields];
}

function request(...args: Parameters<typeof head>): Http2Request {
  return valid(requestOf(listOf(head(...args))));
}

function refuses(title: string, code: number, ...fieldLists: readonly (readonly Field[])[]): void {
  it(title, () => {
    for (const fields of fieldLists) expect(requestOf(listOf(fields)), JSON.stringify(fields)).to.equal(code);
  });
}

describe('HTTP/2 requests: what they say', () => {
  it('RFC 9113 §8.3.1: method, scheme, authority and path', () => {
    const said = request({ ':method': 'PATCH', ':scheme': 'https', ':path': '/a?b=c', ':authority': 'Web:8080' });
    expect(said).to.include({
      version: 'HTTP/2.0',
      method: 'PATCH',
      scheme: 'https',
      target: '/a?b=c',
      host: 'Web:8080',
    });
    expect(said).to.include({ protocol: '', contentLength: -1, isGrpc: false });
  });

  it('RFC 9113 §8.3.1: the host field where there is no :authority', () => {
    expect(request({ ':authority': null }, ['host', 'web:80']).host).to.equal('web:80');
  });

  it('knows gRPC by its content type', () => {
    const isGrpc = (type: string): boolean => request({}, ['content-type', type]).isGrpc;
    expect(['application/grpc', 'application/grpc+proto', 'application/grpc;charset=utf-8'].map(isGrpc)).to.deep.equal([
      true,
      true,
      true,
    ]);
    expect(['application/grpc-web', 'application/grpcx', 'application/json'].map(isGrpc)).to.deep.equal([
      false,
      false,
      false,
    ]);
  });

  it('RFC 9110 §8.6: the announced length', () => {
    expect(request({}, ['content-length', '0']).contentLength).to.equal(0);
    expect(request({}, ['content-length', '9007199254740991']).contentLength).to.equal(9007199254740991);
  });

  it('RFC 8441 §4: an extended CONNECT for a WebSocket is a request', () => {
    const said = request({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat' });
    expect(said).to.include({ method: 'CONNECT', protocol: 'websocket', target: '/chat' });
  });

  it('accepts what is unusual but right', () => {
    request({ ':method': 'OPTIONS', ':path': '*' });
    request({ ':authority': '[::1]:80' });
    request({ ':method': 'M-SEARCH' });
    request({}, ['te', 'trailers'], ['x-empty', ''], ['x', 'a\tb \u00ff'], ['cookie', 'a=1'], ['cookie', 'b=2']);
    request({}, ['host', 'WEB:80']);
    request({ ':authority': 'web.' }, ['host', 'web']);
  });

  it('is worked out once for a list', () => {
    const list = listOf(GET);
    expect(requestOf(list)).to.equal(requestOf(list));
  });

  it('finds fields by name', () => {
    const said = request({}, ['x-a', '1'], ['x-a', '2']);
    expect([said.first('x-a'), said.first('x-b')]).to.deep.equal(['1', '']);
  });
});

describe('HTTP/2 requests: malformed', () => {
  refuses(
    'A16: RFC 9113 §8.2.1: upper-case names',
    rejection.MALFORMED_NAME,
    head({}, ['X-a', '']),
    head({}, ['Host', 'web']),
  );
  refuses(
    'A16: RFC 9113 §8.2.1: names that are no token',
    rejection.MALFORMED_NAME,
    ...['', 'a b', 'a:', 'a\r\nb', 'a\0', 'a\u00e4', 'a\x7f', ' a', 'a\t'].map((name) => head({}, [name, ''])),
  );
  refuses(
    'A16: RFC 9113 §8.2.1: CR, LF, NUL and other controls in values',
    rejection.MALFORMED_VALUE,
    ...['a\r\nb: c', '\n', 'a\0b', '\x01', '\x7f'].map((value) => head({}, ['x', value])),
  );
  refuses(
    'A16: RFC 9113 §8.2.1: blanks around a value',
    rejection.MALFORMED_VALUE,
    ...[' a', 'a ', '\ta', 'a\t', ' '].map((value) => head({}, ['x', value])),
  );
  refuses(
    'A16: RFC 9113 §8.2.2: fields that are specific to a connection',
    rejection.CONNECTION_FIELD,
    head({}, ['connection', 'close']),
    head({}, ['keep-alive', 'timeout=5']),
    head({}, ['proxy-connection', 'keep-alive']),
    head({}, ['transfer-encoding', 'chunked']),
    head({}, ['upgrade', 'websocket']),
  );
  refuses(
    'A16: RFC 9113 §8.2.2: te other than trailers',
    rejection.MALFORMED_TE,
    ...['gzip', 'trailers, gzip', ''].map((value) => head({}, ['te', value])),
  );
  refuses(
    'RFC 9113 §8.3: pseudo-header fields behind others',
    rejection.MISPLACED_PSEUDO,
    [...GET.slice(0, 3), ['x', ''], [':authority', 'web']],
    head({}, ['x', ''], [':x', '']),
  );
  refuses(
    'RFC 9113 §8.3: unknown pseudo-header fields',
    rejection.UNKNOWN_PSEUDO,
    head({ ':status': '200' }),
    head({ ':x': 'y' }),
    head({ ':': 'y' }),
    head({ ':Method': 'y' }),
  );
  refuses('RFC 9113 §8.3: repeated ones', rejection.REPEATED_PSEUDO, ...GET.map((field) => [field, ...GET]));
  refuses(
    'RFC 9113 §8.3.1: missing or empty ones',
    rejection.MISSING_PSEUDO,
    [],
    ...[':method', ':scheme', ':path'].flatMap((name) => [head({ [name]: null }), head({ [name]: '' })]),
    head({ ':authority': '' }, ['host', 'web']),
  );
  refuses(
    'A16: RFC 9110 §9.1: methods that are no token, or too long',
    rejection.MALFORMED_METHOD,
    ...['GET /', 'GET\r\n', 'G:T', ' GET', 'A'.repeat(33)].map((value) => head({ ':method': value })),
  );
  refuses(
    'RFC 9113 §8.3.1: schemes other than http and https',
    rejection.MALFORMED_SCHEME,
    ...['ftp', 'http:', 'http ', 'HTTP', 'https://x'].map((value) => head({ ':scheme': value })),
  );
  refuses(
    'A16: RFC 9113 §8.3.1: paths that do not start with a slash, or hold what no path holds',
    rejection.MALFORMED_PATH,
    ...['a', 'http://web/', '*', '?a', '/a b', '/a#b', '/\r\n', '/\0', '/\x7f'].map((v) => head({ ':path': v })),
    head({ ':method': 'OPTIONS', ':path': '**' }),
  );
  refuses(
    'A9: RFC 9113 §8.3.1: authorities with userinfo, or malformed',
    rejection.MALFORMED_AUTHORITY,
    ...['user@web', 'web:port', 'web:123456', '[::1', '[::1]x', '[web]', 'a b', 'web/', ':80', 'web,a b', 'w\r\n'].map(
      (v) => head({ ':authority': v }),
    ),
  );
  refuses(
    'A9: neither :authority nor host, or a host that is malformed or repeated',
    rejection.MALFORMED_HOST,
    head({ ':authority': null }),
    head({}, ['host', 'user@web']),
    head({}, ['host', '']),
    head({}, ['host', 'web'], ['host', 'web']),
  );
  refuses(
    'A9: RFC 9113 §8.3.1: a host that differs from :authority',
    rejection.HOST_MISMATCH,
    head({}, ['host', 'other']),
    head({}, ['host', 'web:8080']),
    head({ ':scheme': 'https' }, ['host', 'web:80']),
  );
  refuses(
    'A16: RFC 9110 §8.6: content-length that is no number',
    rejection.MALFORMED_CONTENT_LENGTH,
    ...['', '-1', '+1', '1,1', '0x1', '1_0', '9007199254740992', '1'.repeat(17), 'a'].map((value) =>
      head({}, ['content-length', value]),
    ),
  );
  refuses(
    'A16: RFC 9110 §8.6: content-length twice',
    rejection.REPEATED_CONTENT_LENGTH,
    head({}, ['content-length', '1'], ['content-length', '1']),
  );
  refuses('RFC 9113 §8.5: CONNECT is well-formed but disabled', rejection.CONNECT_DISABLED, [
    [':method', 'CONNECT'],
    [':authority', 'web:443'],
  ]);
  refuses('RFC 9113 §8.5: CONNECT with a path', rejection.MISPLACED_PSEUDO, head({ ':method': 'CONNECT' }));
  refuses('RFC 9113 §8.5: CONNECT to nowhere', rejection.MISSING_PSEUDO, [[':method', 'CONNECT']]);
  refuses(
    'RFC 8441 §4: :protocol without CONNECT, or one that nobody passes',
    rejection.MALFORMED_PROTOCOL,
    head({ ':protocol': 'websocket' }),
    head({ ':method': 'CONNECT', ':protocol': 'connect-udp' }),
  );
  refuses(
    'RFC 8441 §4: an extended CONNECT without scheme, path or authority',
    rejection.MISSING_PSEUDO,
    ...[':scheme', ':path', ':authority'].map((name) =>
      head({ ':method': 'CONNECT', ':protocol': 'websocket', [name]: null }),
    ),
  );
});

describe('HTTP/2 requests: what is passed on', () => {
  const extra = new ExtraFields([['l5d-dst-canonical', 'web:80']]);

  it('everything as it came, cookie crumbs too, then what the proxy adds', () => {
    const fields = head({}, ['cookie', 'a=1'], ['x', 'y'], ['cookie', 'b=2'], ['te', 'trailers']);
    expect(read(valid(requestOf(listOf(fields))).forwardBlock(extra, WRITER))).to.deep.equal([
      ...fields,
      ['l5d-dst-canonical', 'web:80'],
    ]);
  });

  it('C4: of several types of content all have to be gRPC’s', () => {
    const types = (...values: string[]) =>
      request({}, ...values.map((value): [string, string] => ['content-type', value]));
    expect(types('application/grpc', 'application/grpc+proto').isGrpc).to.equal(true);
    expect(types('application/json', 'application/grpc').isGrpc).to.equal(false);
    expect(types('application/grpc', 'application/json').isGrpc).to.equal(false);
    expect(types('application/grpc', 'text/plain', 'application/grpc').isGrpc).to.equal(false);
    expect(types('application/grpc, application/json').isGrpc).to.equal(false);
    expect(types('application/grpc').isGrpc).to.equal(true);
  });

  it('C1: a forged l5d-client-id is dropped', () => {
    expect(read(request({}, ['l5d-client-id', 'forged']).forwardBlock(NO_EXTRA_FIELDS, WRITER))).to.deep.equal(GET);
  });

  it('C2: every field of the mesh is dropped, our own takes its place', () => {
    const forged = request({}, ['l5d-dst-canonical', 'x'], ['l5d-', ''], ['l5d-proxy-error', 'x'], ['l5x', 'kept']);
    expect(read(forged.forwardBlock(extra, WRITER))).to.deep.equal([
      ...GET,
      ['l5x', 'kept'],
      ['l5d-dst-canonical', 'web:80'],
    ]);
  });

  it('A9: one authority: host goes where :authority is, and becomes it where it is not', () => {
    expect(read(request({}, ['host', 'WEB']).forwardBlock(NO_EXTRA_FIELDS, WRITER))).to.deep.equal(GET);
    const fields = request({ ':authority': null }, ['x', '1'], ['host', 'web']).forwardBlock(NO_EXTRA_FIELDS, WRITER);
    expect(read(fields)).to.deep.equal([...GET, ['x', '1']]);
  });

  it('RFC 7541 §7.1.3: sensitive fields stay sensitive, wherever they move', () => {
    const fields = head({ ':authority': null }, ['l5d-x', ''], ['authorization', 'secret'], ['host', 'web']);
    const block = valid(requestOf(listOf(fields, new Set([4, 5])))).forwardBlock(NO_EXTRA_FIELDS, WRITER);
    const again = requestOf(listOf(read(block)));
    expect(again).to.be.an('object');
    expect(block.includes(Buffer.from([0x1f, 0x08, 6, ...Buffer.from('secret')]))).to.equal(true);
    expect(block.includes(Buffer.from([0x11, 3, ...Buffer.from('web')]))).to.equal(true);
  });

  it('is remembered for the last extra fields, by identity', () => {
    const said = request();
    const block = said.forwardBlock(extra, WRITER);
    expect(said.forwardBlock(extra, WRITER)).to.equal(block);
    const other = new ExtraFields([['l5d-dst-canonical', 'web:81']]);
    expect(read(said.forwardBlock(other, WRITER)).at(-1)).to.deep.equal(['l5d-dst-canonical', 'web:81']);
    expect(read(said.forwardBlock(extra, WRITER)).at(-1)).to.deep.equal(['l5d-dst-canonical', 'web:80']);
    expect(read(block).at(-1)).to.deep.equal(['l5d-dst-canonical', 'web:80']);
  });
});
