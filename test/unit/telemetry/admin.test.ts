import { expect } from 'chai';
import type { LogLevel } from '../../../proxy-image/contract/log-levels.ts';
import { type AdminRequest, createAdminHandler } from '../../../proxy-image/io/admin/admin.ts';
import { Readiness } from '../../../proxy-image/io/admin/readiness.ts';

function admin(shutdownEnabled = true) {
  const readiness = new Readiness(['identity', 'listeners']);
  const log: { level: LogLevel } = { level: 'info' };
  let shutdowns = 0;
  const handler = createAdminHandler({
    readiness,
    metrics: () => 'm 1\n',
    log,
    shutdownEnabled,
    shutdown: () => void shutdowns++,
  });
  const ask = (method: string, target: string, more: Partial<AdminRequest> = {}) =>
    handler({ method, target, host: 'localhost:4191', fromLoopback: true, body: '', ...more });
  return { ask, readiness, log, shutdowns: () => shutdowns };
}

const OUTSIDE = { fromLoopback: false, host: '10.1.0.1:4191' };

describe('admin port', () => {
  it('is live from the start', () => {
    expect(admin().ask('GET', '/live', OUTSIDE)).to.deep.include({ status: 200, body: 'live\n' });
  });

  it('is ready when every latch is open, and says what it waits for', () => {
    const { ask, readiness } = admin();
    const ready = () => {
      const { status, body } = ask('GET', '/ready', OUTSIDE);
      return [status, body];
    };
    expect(ready()).to.deep.equal([503, 'waiting for identity, listeners\n']);
    readiness.release('listeners');
    readiness.release('unheard of');
    expect(ready()).to.deep.equal([503, 'waiting for identity\n']);
    readiness.release('identity');
    expect(ready()).to.deep.equal([200, 'ready\n']);
    readiness.drain();
    expect(ready()).to.deep.equal([503, 'draining\n']);
  });

  it('serves metrics with their content type, also under a query', () => {
    const { status, headers, body } = admin().ask('GET', '/metrics?x=1', OUTSIDE);
    expect([status, headers, body]).to.deep.equal([
      200,
      [['content-type', 'text/plain; version=0.0.4; charset=utf-8']],
      'm 1\n',
    ]);
  });

  it('answers HEAD without a body', () => {
    expect(admin().ask('HEAD', '/metrics')).to.deep.include({ status: 200, body: '' });
  });

  it('reads and changes the log level', () => {
    const { ask, log } = admin();
    expect(ask('GET', '/proxy-log-level').body).to.equal('info\n');
    expect(ask('PUT', '/proxy-log-level', { body: 'DEBUG\n' }).status).to.equal(204);
    expect(log.level).to.equal('debug');
    expect(ask('PUT', '/proxy-log-level', { body: 'loud' })).to.deep.include({ status: 400 });
    expect(log.level).to.equal('debug');
  });

  it('drains on POST /shutdown when that is enabled, and has no such path when it is not', () => {
    const on = admin();
    expect([on.ask('POST', '/shutdown').status, on.shutdowns()]).to.deep.equal([200, 1]);
    expect([on.ask('GET', '/shutdown').status, on.shutdowns()]).to.deep.equal([405, 1]);
    const off = admin(false);
    expect([off.ask('POST', '/shutdown').status, off.shutdowns()]).to.deep.equal([404, 0]);
  });

  it('keeps its verbs from other pods and from forged requests (D2)', () => {
    const { ask, log, shutdowns } = admin();
    for (const more of [
      { fromLoopback: false },
      { fromLoopback: false, host: '127.0.0.1:4191' },
      { host: '10.1.0.1:4191' },
      { host: 'evil.example' },
      { host: 'localhost.evil.example' },
      { host: '127.0.0.1.evil.example' },
      { host: '' },
    ]) {
      expect(ask('POST', '/shutdown', more).status, JSON.stringify(more)).to.equal(403);
      expect(ask('PUT', '/proxy-log-level', { ...more, body: 'off' }).status).to.equal(403);
      expect(ask('GET', '/proxy-log-level', more).status).to.equal(403);
    }
    expect([log.level, shutdowns()]).to.deep.equal(['info', 0]);
    for (const host of ['localhost', '127.0.0.1:4191', '[::1]:4191', 'LOCALHOST:80']) {
      expect(ask('GET', '/proxy-log-level', { host }).status, host).to.equal(200);
    }
  });

  it('has nothing else: no environment, no heap, no inherited names (E12)', () => {
    const { ask } = admin();
    for (const target of [
      '/',
      '/env.json',
      '/logs.json',
      '/debug/pprof',
      '/debug/heap',
      '/json/list',
      '/constructor',
      '/__proto__',
      '/live/',
      '/LIVE',
    ]) {
      expect(ask('GET', target).status, target).to.equal(404);
    }
  });

  it('names the methods it allows', () => {
    const { status, headers } = admin().ask('POST', '/ready');
    expect([status, headers.find(([name]) => name === 'allow')?.[1]]).to.deep.equal([405, 'GET, HEAD']);
  });
});
