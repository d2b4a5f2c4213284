import { expect } from 'chai';
import { checkOperatorMessage, checkProxyMessage } from '../../../proxy-image/contract/check.ts';

const HELLO = {
  type: 'hello',
  revision: 1,
  namespace: 'app',
  pod: 'web-1',
  node: 'n',
  proxyVersion: '1',
  held: [{ key: 'trust', version: 'v', sources: '1' }],
};

describe('check: messages of a proxy', () => {
  const good: [string, object, object?][] = [
    ['hello', HELLO],
    ['hello of a newer proxy, unknown fields ignored', { ...HELLO, revision: 9, future: {} }, HELLO],
    ['hello of an older one, without what may be left out', { ...HELLO, node: undefined, proxyVersion: undefined }],
    ['hello of an older one, with what nobody reads any more', { ...HELLO, zone: 'z' }],
    ['subscribe', { type: 'subscribe', keys: ['trust'] }],
    ['unsubscribe', { type: 'unsubscribe', keys: [] }],
    ['ack', { type: 'ack', seq: 7 }],
    ['nack', { type: 'nack', seq: 7, key: 'trust', problems: ['a'] }],
    ['ping', { type: 'ping' }],
    ['a certificate, whatever is in it', { type: 'certificate', chainPem: 'x' }],
    ['a report of traffic, whatever is in it', { type: 'traffic', version: 9, changed: 'x' }],
  ];
  for (const [name, value] of good) {
    it(`accepts ${name}`, () => {
      const { message, problem } = checkProxyMessage(value);
      expect(problem).to.equal(null);
      expect(message).not.to.have.property('future');
    });
  }

  const bad: [string, unknown][] = [
    ['no object', 'hello'],
    ['null', null],
    ['a list', [HELLO]],
    ['no type', {}],
    ['hello without pod', { ...HELLO, pod: undefined }],
    ['hello with a broken held list', { ...HELLO, held: [{ key: 'trust' }] }],
    ['hello with a revision that is no integer', { ...HELLO, revision: 1.5 }],
    ['keys that are no texts', { type: 'subscribe', keys: [1] }],
    ['an endless key', { type: 'subscribe', keys: ['x'.repeat(2_000)] }],
    ['a seq that is no integer', { type: 'ack', seq: '1' }],
    ['a negative seq', { type: 'ack', seq: -1 }],
    ['a certificate that is no text', { type: 'certificate', chainPem: 7 }],
    ['an endless certificate', { type: 'certificate', chainPem: 'x'.repeat(65 * 1024) }],
    ['a nack without key', { type: 'nack', seq: 1, problems: [] }],
  ];
  for (const [name, value] of bad) {
    it(`refuses ${name}`, () => expect(checkProxyMessage(value).problem).to.be.a('string'));
  }

  it('ignores a type of a newer contract', () => {
    expect(checkProxyMessage({ type: 'telemetry' })).to.deep.equal({ message: null, problem: null });
  });

  it('cuts what a nack reports', () => {
    const problems = [...Array.from({ length: 50 }, () => 'x'.repeat(5_000)), 7];
    const { message } = checkProxyMessage({ type: 'nack', seq: 1, key: 'trust', problems });
    expect(message?.type === 'nack' && message.problems.map((each) => each.length)).to.deep.equal(
      Array(20).fill(1_024),
    );
  });
});

describe('check: messages of the operator', () => {
  const ENDPOINTS = 'endpoints/app/web:80/ipv4';
  const set = { op: 'set', key: 'trust', version: 'v', body: { anchorsPem: '', sources: '1' } };
  const patch = {
    op: 'patch',
    key: ENDPOINTS,
    baseVersion: 'a',
    version: 'b',
    sources: '2',
    added: [],
    changed: [],
    removed: [],
  };

  function batch(...changes: unknown[]) {
    return checkOperatorMessage({ type: 'batch', seq: 3, changes, future: true });
  }

  it('accepts sets, patches and deletions', () => {
    const changes = [set, patch, { op: 'delete', key: ENDPOINTS }];
    const { message, rejected } = batch(...changes);
    expect(message).to.deep.equal({ type: 'batch', seq: 3, changes });
    expect(rejected).to.deep.equal([]);
  });

  const broken: [string, unknown, string][] = [
    ['an unknown operation', { op: 'merge', key: 'trust', version: 'v' }, 'op'],
    ['a key of another contract', { op: 'delete', key: 'gateway/x' }, 'key'],
    ['a body that is no object', { ...set, body: null }, 'body'],
    ['a body without sources', { ...set, body: {} }, 'body'],
    ['a set without version', { ...set, version: 1 }, 'version'],
    ['a patch of something else', { ...patch, key: 'trust' }, 'op'],
    ['a patch without base', { ...patch, baseVersion: undefined }, 'baseVersion'],
    ['an endpoint without address', { ...patch, added: [{ port: 1 }] }, 'added'],
    ['a removal that is no text', { ...patch, removed: [7] }, 'removed'],
    ['something that is no object', 'set', 'key'],
  ];
  for (const [name, change, path] of broken) {
    it(`leaves out ${name}, and takes the rest of the batch`, () => {
      const { message, rejected } = batch(change, set);
      expect(message?.type === 'batch' && message.changes).to.deep.equal([set]);
      expect(rejected).to.have.length(1);
      expect(rejected[0]?.problem).to.match(new RegExp(`^${path}`));
    });
  }

  it('reads pong and error, and refuses what it does not know', () => {
    expect(checkOperatorMessage({ type: 'pong' }).message).to.deep.equal({ type: 'pong' });
    const error = { type: 'error', code: 'WEFT_SERVE_POD', message: 'x' };
    expect(checkOperatorMessage(error).message).to.deep.equal(error);
    for (const value of [null, 5, [], {}, { type: 'batch', seq: 1 }, { type: 'batch', changes: [] }]) {
      expect(checkOperatorMessage(value).problem, JSON.stringify(value)).to.be.a('string');
    }
    expect(checkOperatorMessage({ type: 'new' })).to.deep.equal({ message: null, problem: null, rejected: [] });
  });
});
