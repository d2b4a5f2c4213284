import { expect } from 'chai';
import type { RequestMatch } from '../../../proxy-image/contract/resources.ts';
import { compileRoutes } from '../../../proxy-image/core/route/compile.ts';
import { NO_ROUTES } from '../../../proxy-image/core/route/table.ts';
import { noEngine, regexEngine, route, routeTable } from './fixtures.ts';

const path = (regex: string): RequestMatch => ({ type: 'path', regex });
const method = (name: string): RequestMatch => ({ type: 'method', method: name });

describe('route table', () => {
  it('takes the first route that matches, whatever kind it is', () => {
    const table = routeTable(
      route('wide', '/a/.*'),
      route('exact', '/a/b'),
      route('late exact', '/c'),
      route('late wide', '/.*'),
    );
    expect(table.match('GET', '/a/b').name).to.equal('wide');
    expect(table.match('GET', '/c').name).to.equal('late exact');
    expect(table.match('GET', '/d').name).to.equal('late wide');
    const turned = routeTable(route('exact', '/a/b'), route('wide', '/a/.*'));
    expect(turned.match('GET', '/a/b').name).to.equal('exact');
    expect(turned.match('GET', '/a/c').name).to.equal('wide');
  });

  it('leaves the query out of the match', () => {
    const table = routeTable(route('a', '/a'), route('q', '/q\\?x=1'));
    expect(table.match('GET', '/a?x=1').name).to.equal('a');
    expect(table.match('GET', '/a?').name).to.equal('a');
    expect(table.match('GET', '/q?x=1').name).to.equal('');
  });

  it('has an implicit default route: no name, no retry, no timeout', () => {
    const { name, dst, isRetryable, timeoutMs, classes } = routeTable(route('a', '/a')).match('GET', '/other');
    expect({ name, isRetryable, timeoutMs, classes }).to.deep.equal({
      name: '',
      isRetryable: false,
      timeoutMs: 0,
      classes: [],
    });
    expect(dst).to.equal('web.shop.svc.cluster.local:80');
  });

  it('matches methods exactly', () => {
    const table = routeTable(route('post', '', { match: { type: 'all', of: [method('POST'), path('/a')] } }));
    expect(table.match('POST', '/a').name).to.equal('post');
    expect(table.match('post', '/a').name).to.equal('');
    expect(table.match('GET', '/a').name).to.equal('');
  });

  const logic: [title: string, match: RequestMatch, yes: string[], no: string[]][] = [
    ['all', { type: 'all', of: [path('/a.*'), path('.*b')] }, ['GET /ab', 'GET /aXb'], ['GET /a', 'GET /b']],
    ['any', { type: 'any', of: [path('/a'), method('PUT')] }, ['GET /a', 'PUT /z'], ['GET /z']],
    ['any of one', { type: 'any', of: [path('/a')] }, ['GET /a'], ['GET /z']],
    ['any with a common prefix', { type: 'any', of: [path('/api/a'), path('/api/b')] }, ['GET /api/a'], ['GET /api/c']],
    ['not', { type: 'not', of: path('/a') }, ['GET /b'], ['GET /a']],
    [
      'not of any',
      { type: 'not', of: { type: 'any', of: [path('/a'), path('/b')] } },
      ['GET /c'],
      ['GET /a', 'GET /b'],
    ],
    ['all of nothing', { type: 'all', of: [] }, ['GET /a'], []],
    ['any of nothing', { type: 'any', of: [] }, [], ['GET /a']],
    ['two exact paths at once', { type: 'all', of: [path('/a'), path('/b')] }, [], ['GET /a', 'GET /b']],
  ];
  for (const [title, match, yes, no] of logic) {
    it(`understands ${title}`, () => {
      const table = routeTable(route('hit', '', { match }));
      const name = (request: string) => table.match(request.split(' ')[0]!, request.split(' ')[1]!).name;
      expect(yes.filter((request) => name(request) !== 'hit')).to.deep.equal([]);
      expect(no.filter((request) => name(request) === 'hit')).to.deep.equal([]);
    });
  }

  it('gives the same answers from its cache, and forgets under a flood of unique paths', () => {
    const table = routeTable(...Array.from({ length: 5 }, (_, i) => route(`r${i}`, `/r${i}/[^/]*/x`)));
    const ask = () => Array.from({ length: 5 }, (_, i) => table.match('GET', `/r${i}/7/x`).name);
    const first = ask();
    expect(first).to.deep.equal(['r0', 'r1', 'r2', 'r3', 'r4']);
    for (let i = 0; i < 5000; i++) expect(table.match('GET', `/r3/${i}/x`).name).to.equal('r3');
    expect(ask()).to.deep.equal(first);
    expect(table.match('GET', '/r1/7/y').name).to.equal('');
    expect(table.match('GET', '/r1/7/y').name).to.equal('');
  });

  it('remembers decisions per method', () => {
    const routes = Array.from({ length: 4 }, (_, i) => route(`pad${i}`, `/pad${i}/.*`));
    const put = route('put', '', { match: { type: 'all', of: [method('PUT'), path('/a/.*')] } });
    const table = routeTable(...routes, put);
    expect([table.match('PUT', '/a/1').name, table.match('GET', '/a/1').name]).to.deep.equal(['put', '']);
    expect([table.match('PUT', '/a/1').name, table.match('GET', '/a/1').name]).to.deep.equal(['put', '']);
  });

  it('drops a route that the engine refuses, reports it, and keeps the others', () => {
    const { table, problems } = compileRoutes('outbound', 'd', [route('bad', '/(a'), route('good', '/a')], regexEngine);
    expect(problems).to.have.length(1);
    expect(problems[0]!.index).to.equal(0);
    expect(table.match('GET', '/(a').name).to.equal('');
    expect(table.match('GET', '/a').name).to.equal('good');
  });

  it('lets a route of unknown kind match nothing', () => {
    const { table } = compileRoutes('outbound', 'd', [{ ...route('new', '/a'), match: null }], noEngine);
    expect(table.match('GET', '/a').name).to.equal('');
  });

  it('shares one empty table where no profile applies', () => {
    expect(compileRoutes('outbound', '', [], noEngine).table).to.equal(NO_ROUTES);
    expect(NO_ROUTES.match('GET', '/a').dst).to.equal('');
  });
});
