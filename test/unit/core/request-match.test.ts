import { expect } from 'chai';
import type { RequestMatch, TextMatch } from '../../../proxy-image/contract/policy/match.ts';
import { compileMatch } from '../../../proxy-image/core/route/match.ts';
import { type Asked, asking } from '../../support/policy.ts';
import { regexEngine } from './fixtures.ts';

type Row = [match: RequestMatch, method: string, target: string, more: Asked, matches: boolean];

const exact = (value: string): TextMatch => ({ type: 'exact', value });
const regex = (expression: string): TextMatch => ({ type: 'regex', regex: expression });
const prefix = (path: string): RequestMatch => ({ type: 'pathPrefix', path });
const GET: RequestMatch = { type: 'method', method: 'GET' };

const ROWS: Row[] = [
  [GET, 'GET', '/', {}, true],
  [GET, 'get', '/', {}, false],
  [{ type: 'pathExact', path: '/a' }, 'GET', '/a?x=1', {}, true],
  [{ type: 'pathExact', path: '/a' }, 'GET', '/a/', {}, false],
  [prefix('/v2'), 'GET', '/v2', {}, true],
  [prefix('/v2'), 'GET', '/v2/x', {}, true],
  [prefix('/v2'), 'GET', '/v2x', {}, false],
  [prefix('/v2/'), 'GET', '/v2', {}, true],
  [prefix('/'), 'GET', '/anything', {}, true],
  [prefix('/'), 'OPTIONS', '*', {}, false],
  [{ type: 'path', regex: '/[a-c]+' }, 'GET', '/abc', {}, true],
  [{ type: 'path', regex: '/[a-c]+' }, 'GET', '/abcd', {}, false],
  [{ type: 'header', name: 'x', value: exact('1') }, 'GET', '/', { headers: { x: '1' } }, true],
  [{ type: 'header', name: 'x', value: exact('1') }, 'GET', '/', { headers: { x: '1,2' } }, false],
  [{ type: 'header', name: 'x', value: exact('') }, 'GET', '/', {}, false],
  [{ type: 'header', name: 'x', value: regex('(a|b)+') }, 'GET', '/', { headers: { x: 'abba' } }, true],
  [{ type: 'header', name: 'x', value: regex('(a|b)+') }, 'GET', '/', { headers: { x: 'xabba' } }, false],
  [{ type: 'query', name: 'q', value: exact('1') }, 'GET', '/?a=0&q=1&q=2', {}, true],
  [{ type: 'query', name: 'q', value: exact('2') }, 'GET', '/?q=1&q=2', {}, false],
  [{ type: 'query', name: 'q', value: exact('') }, 'GET', '/?q', {}, true],
  [{ type: 'query', name: 'q', value: exact('1') }, 'GET', '/?Q=1', {}, false],
  [{ type: 'query', name: 'q', value: exact('1') }, 'GET', '/q=1', {}, false],
  [{ type: 'query', name: 'a b', value: exact('ä+') }, 'GET', '/?a+b=%C3%A4%2B', {}, true],
  [{ type: 'query', name: 'q', value: exact('%zz') }, 'GET', '/?q=%zz', {}, true],
  [{ type: 'host', host: 'web.example' }, 'GET', '/', { host: 'WEB.example:80' }, true],
  [{ type: 'host', host: 'web.example' }, 'GET', '/', { host: 'a.web.example' }, false],
  [{ type: 'host', host: '*.example' }, 'GET', '/', { host: 'a.b.example' }, true],
  [{ type: 'host', host: '*.example' }, 'GET', '/', { host: 'example' }, false],
  [{ type: 'host', host: '[::1]' }, 'GET', '/', { host: '[::1]' }, true],
  [{ type: 'host', host: '[::1]' }, 'GET', '/', { host: '[::1]:80' }, true],
  [{ type: 'grpc', service: exact('a.B'), method: null }, 'POST', '/a.B/C', {}, true],
  [{ type: 'grpc', service: exact('a.B'), method: exact('D') }, 'POST', '/a.B/C', {}, false],
  [{ type: 'grpc', service: null, method: exact('C') }, 'POST', '/a.B/C', {}, true],
  [{ type: 'grpc', service: null, method: null }, 'GET', '/a.B/C', {}, false],
  [{ type: 'grpc', service: null, method: null }, 'POST', '/a', {}, false],
  [{ type: 'grpc', service: regex('a\\..*'), method: null }, 'POST', '/a.B/C', {}, true],
  [{ type: 'all', of: [] }, 'GET', '/', {}, true],
  [{ type: 'any', of: [] }, 'GET', '/', {}, false],
  [{ type: 'all', of: [GET, prefix('/a')] }, 'GET', '/b', {}, false],
  [{ type: 'any', of: [GET, prefix('/a')] }, 'PUT', '/a', {}, true],
  [{ type: 'not', of: GET }, 'GET', '/', {}, false],
];

describe('match of a rule', () => {
  for (const [match, method, target, more, expected] of ROWS) {
    it(`${JSON.stringify(match)} ${expected ? 'is' : 'is not'} for ${method} ${target} ${JSON.stringify(more)}`, () => {
      const path = target.split('?')[0]!;
      expect(compileMatch(match, regexEngine).match.matches(method, path, asking(method, target, more))).to.equal(
        expected,
      );
    });
  }
});
