import { expect } from 'chai';
import type { LogLevel } from '../../../proxy-image/contract/log-levels.ts';
import { AccessLog, type AccessLogEntry } from '../../../proxy-image/io/telemetry/access-log.ts';
import { JsonLogger } from '../../../proxy-image/io/telemetry/log.ts';

function sink(level: LogLevel = 'debug') {
  const lines: string[] = [];
  return { level, lines, write: (line: string) => void lines.push(line), wallMs: () => 1_800_000_000_123 };
}

/** Anything a terminal or a line reader might obey. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const EVIL = 'a"b\\c\nd\r\u0000\u001b[31m\u007f\u0085\u2028e';

describe('log', () => {
  it('writes one JSON object per line: time, level, constant message, fields', () => {
    const out = sink();
    new JsonLogger(out).warn('endpoint refused', { endpoint: '10.0.0.1:80', tries: 2, last: true, none: null });
    expect(out.lines).to.deep.equal([
      '{"timestamp":"2027-01-15T08:00:00.123Z","level":"warn","message":"endpoint refused","endpoint":"10.0.0.1:80","tries":2,"last":true,"none":null}\n',
    ]);
  });

  it('escapes every control character, and gives back what was logged', () => {
    const out = sink();
    new JsonLogger(out).info('request', { uri: EVIL });
    const line = out.lines[0]!;
    expect(CONTROL.test(line.slice(0, -1))).to.equal(false);
    expect(JSON.parse(line).uri).to.equal(EVIL);
  });

  it('writes its own level and above, and none when off; the level may change', () => {
    const written = (level: LogLevel) => {
      const out = sink(level);
      const log = new JsonLogger(out);
      log.debug('d');
      log.info('i');
      log.warn('w');
      log.error('e');
      return out.lines.map((line) => JSON.parse(line).message).join('');
    };
    expect((['debug', 'info', 'warn', 'error', 'off'] as const).map(written)).to.deep.equal([
      'diwe',
      'iwe',
      'we',
      'e',
      '',
    ]);
    const out = sink('off');
    const log = new JsonLogger(out).child({});
    expect(log.enabled('error')).to.equal(false);
    out.level = 'debug';
    expect(log.enabled('debug')).to.equal(true);
  });

  it('gives a child its fields, lets the line add to them, and nobody overwrite time, level or message', () => {
    const out = sink();
    new JsonLogger(out, { side: 'outbound' })
      .child({ connection: 7 })
      .info('closed', { level: 'x', message: 'y', side: 'in' });
    expect(JSON.parse(out.lines[0]!)).to.deep.equal({
      timestamp: '2027-01-15T08:00:00.123Z',
      level: 'info',
      message: 'closed',
      side: 'in',
      connection: 7,
      level_: 'x',
      message_: 'y',
    });
  });

  it('bounds what a field can hold', () => {
    const out = sink();
    new JsonLogger(out).info('request', { uri: 'x'.repeat(100_000) });
    expect(out.lines[0]!.length).to.be.lessThan(2300);
  });
});

const ENTRY: AccessLogEntry = {
  clientAddr: '10.0.0.9:41234',
  clientId: 'api.shop.serviceaccount.identity.linkerd.cluster.local',
  wallMs: 1_800_000_000_123.5,
  method: 'GET',
  uri: '/list?all=1',
  version: 'HTTP/1.1',
  host: 'web.shop',
  userAgent: 'curl/8',
  traceId: 'abc',
  requestBytes: 0,
  status: 200,
  grpcStatus: -1,
  responseBytes: 512,
  totalNs: 1_234_567.8,
  processingNs: 45_678,
};

function logged(format: 'apache' | 'json', more: Partial<AccessLogEntry> = {}): string {
  const blocks: string[] = [];
  const log = new AccessLog(format, (block) => void blocks.push(block));
  log.record({ ...ENTRY, ...more });
  log.flush();
  return blocks.join('');
}

describe('access log', () => {
  it('writes the apache form', () => {
    expect(logged('apache')).to.match(
      /^10\.0\.0\.9:41234 api\.shop\.serviceaccount\.identity\.linkerd\.cluster\.local - \[2027-01-15T08:00:00\.123500000Z\] "GET \/list\?all=1 HTTP\/1\.1" 200\n$/,
    );
    expect(logged('apache', { clientId: null })).to.match(/^10\.0\.0\.9:41234 - - \[/);
  });

  it('writes the JSON form, with the keys and text numbers of Linkerd', () => {
    const { timestamp, ...rest } = JSON.parse(logged('json'));
    expect(timestamp).to.match(/^2027-01-15T08:00:00\.123500000Z$/);
    expect(rest).to.deep.equal({
      'client.addr': '10.0.0.9:41234',
      'client.id': ENTRY.clientId,
      method: 'GET',
      uri: '/list?all=1',
      version: 'HTTP/1.1',
      trace_id: 'abc',
      request_bytes: '0',
      status: 200,
      response_bytes: '512',
      total_ns: '1234568',
      processing_ns: '45678',
      user_agent: 'curl/8',
      host: 'web.shop',
    });
  });

  it('adds the gRPC status where there is one, in the JSON form', () => {
    expect(JSON.parse(logged('json', { grpcStatus: 0 }))).to.include({ status: 200, grpc_status: 0 });
    expect(JSON.parse(logged('json', { grpcStatus: 14 }))).to.include({ status: 200, grpc_status: 14 });
    expect(logged('apache', { grpcStatus: 14 })).to.equal(logged('apache'));
  });

  it('cannot be made to forge a line or leave its quotes', () => {
    for (const format of ['apache', 'json'] as const) {
      const text = logged(format, { uri: EVIL, method: EVIL, userAgent: EVIL, host: EVIL, clientId: EVIL });
      expect(text.split('\n'), format).to.have.length(2);
      expect(CONTROL.test(text.slice(0, -1)), format).to.equal(false);
    }
    const apache = logged('apache', { uri: '/" 200\n10.0.0.1 - - "GET /' });
    expect(apache.match(/(?<!\\)"/g)).to.have.length(2);
  });

  it('bounds what a request can write', () => {
    expect(logged('apache', { uri: 'x'.repeat(65_536) }).length).to.be.lessThan(5000);
    expect(logged('json', { uri: 'x'.repeat(65_536), userAgent: 'y'.repeat(65_536) }).length).to.be.lessThan(10_000);
  });

  it('collects lines into blocks, and flushes what is left', () => {
    const blocks: string[] = [];
    const log = new AccessLog('json', (block) => void blocks.push(block));
    for (let i = 0; i < 100; i++) log.record(ENTRY);
    expect(blocks.length).to.be.within(1, 4);
    log.flush();
    log.flush();
    expect(blocks.join('').split('\n')).to.have.length(101);
  });
});
