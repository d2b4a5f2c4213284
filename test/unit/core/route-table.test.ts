import { expect } from 'chai';
import type { RequestMatch } from '../../../proxy-image/contract/policy/match.ts';
import { compileTable } from '../../../proxy-image/core/route/compile.ts';
import { compileProfile } from '../../../proxy-image/core/route/profile.ts';
import { noEngine, regexEngine, request, route, routeTable } from './fixtures.ts';

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
    expect(table.match(request('GET', '/a/b')).name).to.equal('wide');
    expect(table.match(request('GET', '/c')).name).to.equal('late exact');
    expect(table.match(request('GET', '/d')).name).to.equal('late wide');
    const turned = routeTable(route('exact', '/a/b'), route('wide', '/a/.*'));
    expect(turned.match(request('GET', '/a/b')).name).to.equal('exact');
    expect(turned.match(request('GET', '/a/c')).name).to.equal('wide');
  });

  it('leaves the query out of the match', () => {
    const table = routeTable(route('a', '/a'), route('q', '/q\\?x=1'));
    expect(table.match(request('GET', '/a?x=1')).name).to.equal('a');
    expect(table.match(request('GET', '/a?')).name).to.equal('a');
    expect(table.match(request('GET', '/q?x=1')).name).to.equal('');
  });

  it('has an implicit default route: no name, no classes', () => {
    const { name, dst, classes } = routeTable(route('a', '/a')).match(request('GET', '/other'));
    expect({ name, classes }).to.deep.equal({ name: '', classes: [] });
    expect(dst).to.equal('web.shop.svc.cluster.local:80');
  });

  it('matches methods exactly', () => {
    const table = routeTable(route('post', '', { match: { type: 'all', of: [method('POST'), path('/a')] } }));
    expect(table.match(request('POST', '/a')).name).to.equal('post');
    expect(table.match(request('post', '/a')).name).to.equal('');
    expect(table.match(request('GET', '/a')).name).to.equal('');
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
      const name = (text: string) => table.match(request(text.split(' ')[0]!, text.split(' ')[1]!)).name;
      expect(yes.filter((request) => name(request) !== 'hit')).to.deep.equal([]);
      expect(no.filter((request) => name(request) === 'hit')).to.deep.equal([]);
    });
  }

  it('gives the same answers from its cache, and forgets under a flood of unique paths', () => {
    const table = routeTable(...Array.from({ length: 5 }, (_, i) => route(`r${i}`, `/r${i}/[^/]*/x`)));
    const ask = () => Array.from({ length: 5 }, (_, i) => table.match(request('GET', `/r${i}/7/x`)).name);
    const first = ask();
    expect(first).to.deep.equal(['r0', 'r1', 'r2', 'r3', 'r4']);
    for (let i = 0; i < 5000; i++) expect(table.match(request('GET', `/r3/${i}/x`)).name).to.equal('r3');
    expect(ask()).to.deep.equal(first);
    expect(table.match(request('GET', '/r1/7/y')).name).to.equal('');
    expect(table.match(request('GET', '/r1/7/y')).name).to.equal('');
  });

  it('remembers decisions per method', () => {
    const routes = Array.from({ length: 4 }, (_, i) => route(`pad${i}`, `/pad${i}/.*`));
    const put = route('put', '', { match: { type: 'all', of: [method('PUT'), path('/a/.*')] } });
    const table = routeTable(...routes, put);
    expect([table.match(request('PUT', '/a/1')).name, table.match(request('GET', '/a/1')).name]).to.deep.equal([
      'put',
      '',
    ]);
    expect([table.match(request('PUT', '/a/1')).name, table.match(request('GET', '/a/1')).name]).to.deep.equal([
      'put',
      '',
    ]);
  });

  it('drops a route that the engine refuses, reports it, and keeps the others', () => {
    const { table, problems } = compileProfile('d', [route('bad', '/(a'), route('good', '/a')], regexEngine);
    expect(problems).to.have.length(1);
    expect(problems[0]!.index).to.equal(0);
    expect(table.match(request('GET', '/(a')).name).to.equal('');
    expect(table.match(request('GET', '/a')).name).to.equal('good');
  });

  it('gives every request to the refusal of a rule that the engine refuses, where it has one', () => {
    const bad = { match: path('/(a'), entry: 'bad', refusal: 'refused' };
    const first = { match: path('/first'), entry: 'first', refusal: null };
    const { table, problems } = compileTable([first, bad], 'fallback', regexEngine);
    expect(problems.map(({ index }) => index)).to.deep.equal([1]);
    expect(['/first', '/(a', '/other'].map((target) => table.match(request('GET', target)))).to.deep.equal([
      'first',
      'refused',
      'refused',
    ]);
  });

  it('counts nothing where no profile applies, and loads no engine for it', () => {
    const { table } = compileProfile('', [], noEngine);
    expect(table.match(request('GET', '/a')).dst).to.equal('');
  });
});
