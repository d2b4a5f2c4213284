import { expect } from 'chai';
import type { Filter, PathChange } from '../../../proxy-image/contract/policy/filter.ts';
import { applyFilters } from '../../../proxy-image/core/filter/apply.ts';
import { changedFields, type Field } from '../../../proxy-image/core/filter/header-changes.ts';
import { changedTarget } from '../../../proxy-image/core/filter/path-change.ts';
import { locationOf } from '../../../proxy-image/core/filter/redirect.ts';
import { Xoshiro } from '../../../proxy-image/core/rng.ts';
import { PREFIXES } from '../../support/routes/filters.ts';

const REQUEST = { host: 'web.shop:8080', target: '/foo/bar?q=1' };
const REDIRECT = { type: 'redirect', scheme: '', hostname: '', port: 0, path: null, status: 302 } as const;

function prefix(from: string, path: string): PathChange {
  return { type: 'prefix', prefix: from, path };
}

describe('filters', () => {
  describe('another path', () => {
    const ROWS: typeof PREFIXES = [
      ...PREFIXES,
      ['/foo?a=/foo', '/foo', '/xyz', '/xyz?a=/foo'],
      ['/foobar', '/foo', '/xyz', '/foobar'],
      ['/any', '/', '/xyz', '/xyz/any'],
    ];
    for (const [path, match, replacement, expected] of ROWS) {
      it(`${path}, ${match} replaced by ${replacement || 'nothing'}: ${expected}`, () => {
        expect(changedTarget(path, prefix(match, replacement))).to.equal(expected);
      });
    }

    it('as a whole: the query stays', () => {
      expect(changedTarget('/foo?q=1', { type: 'full', path: '/one' })).to.equal('/one?q=1');
      expect(changedTarget('/foo?q=1', null)).to.equal('/foo?q=1');
    });
  });

  describe('a redirect', () => {
    const to = (changes: object) => locationOf({ ...REDIRECT, ...changes }, REQUEST.host, REQUEST.target);

    it('that names nothing leads to what was asked for', () => {
      expect(to({})).to.equal('http://web.shop:8080/foo/bar?q=1');
    });

    it('to another scheme: its own port, which is not said', () => {
      expect(to({ scheme: 'https' })).to.equal('https://web.shop/foo/bar?q=1');
      expect(to({ scheme: 'https', port: 8443 })).to.equal('https://web.shop:8443/foo/bar?q=1');
    });

    it('to another host, port and path', () => {
      expect(to({ hostname: 'other.org', port: 80 })).to.equal('http://other.org/foo/bar?q=1');
      expect(to({ hostname: 'other.org', path: prefix('/foo', '/x') })).to.equal('http://other.org:8080/x/bar?q=1');
      expect(locationOf(REDIRECT, '[fd00::1]', '/')).to.equal('http://[fd00::1]/');
      expect(locationOf(REDIRECT, '[fd00::1]:81', '/')).to.equal('http://[fd00::1]:81/');
    });
  });

  describe('header changes', () => {
    const FIELDS: Field[] = [
      ['accept', 'a'],
      ['x-set', '1'],
      ['x-set', '2'],
      ['x-gone', '3'],
    ];
    const changes = { add: [], set: [], remove: [] };

    it('add, then set, then remove', () => {
      const changed = changedFields(FIELDS, {
        add: [
          { name: 'accept', value: 'b' },
          { name: 'x-set', value: 'added' },
        ],
        set: [
          { name: 'x-set', value: 'one' },
          { name: 'x-new', value: 'new' },
        ],
        remove: ['x-gone', 'x-absent'],
      });
      expect(changed).to.deep.equal([
        ['accept', 'a'],
        ['x-set', 'one'],
        ['accept', 'b'],
        ['x-new', 'new'],
      ]);
    });

    for (const name of ['content-length', 'transfer-encoding', 'connection', 'host', 'l5d-client-id', ':path']) {
      it(`never touch ${name}`, () => {
        const fields: Field[] = [[name, 'kept']];
        const all = { add: [{ name, value: 'x' }], set: [{ name, value: 'y' }], remove: [name] };
        expect(changedFields(fields, { ...changes, ...all })).to.deep.equal(fields);
      });
    }
  });

  describe('a list of them', () => {
    const rng = new Xoshiro(1);
    const fail: Filter = { type: 'fail', status: 418, grpcStatus: 14, message: 'no', ratio: 1 };

    it('is applied in order, and nothing behind one that answers', () => {
      const filters: Filter[] = [
        { type: 'delay', ms: 10, ratio: 1 },
        { type: 'rewrite', hostname: 'other', path: prefix('/foo', '/x') },
        { type: 'delay', ms: 5, ratio: 1 },
        fail,
        { type: 'delay', ms: 100, ratio: 1 },
        { type: 'mirror', backend: 1, ratio: 1 },
      ];
      const filtered = applyFilters(filters, REQUEST, rng);
      expect(filtered).to.deep.include({ delayMs: 15, fail, target: '/x/bar?q=1', host: 'other', mirrors: [] });
    });

    it('a redirect behind a rewrite leads to what was rewritten', () => {
      const filters: Filter[] = [{ type: 'rewrite', hostname: '', path: { type: 'full', path: '/new' } }, REDIRECT];
      expect(applyFilters(filters, REQUEST, rng).redirect?.location).to.equal('http://web.shop:8080/new?q=1');
    });

    it('a ratio is kept to', () => {
      let failed = 0;
      for (let i = 0; i < 2000; i++) if (applyFilters([{ ...fail, ratio: 0.25 }], REQUEST, rng).fail !== null) failed++;
      expect(failed).to.be.within(400, 600);
      expect(applyFilters([{ ...fail, ratio: 0 }], REQUEST, rng).fail).to.equal(null);
    });
  });
});
