import { expect } from 'chai';
import { compilePattern } from '../../../proxy-image/core/route/pattern.ts';
import { noEngine, regexEngine } from './fixtures.ts';

/** expression, whether the engine is needed, exact path, prefix, paths that match, paths that do not */
type Row = [
  expression: string,
  engine: boolean,
  exact: string | null,
  prefix: string,
  yes: readonly string[],
  no: readonly string[],
];

const ROWS: Row[] = [
  ['/books', false, '/books', '/books', ['/books'], ['/books/', '/book', '/xbooks', '']],
  ['^/books$', false, '/books', '/books', ['/books'], ['/books$', '^/books']],
  ['/authors\\.json', false, '/authors.json', '/authors.json', ['/authors.json'], ['/authorsxjson']],
  ['/price\\$', false, '/price$', '/price$', ['/price$'], ['/price']],
  ['', false, '', '', [''], ['/']],
  ['.*', false, null, '', ['', '/', '/a/b'], ['/a\n']],
  ['/static/.*', false, null, '/static/', ['/static/', '/static/a/b'], ['/static', '/statics/']],
  ['/static/.+', false, null, '/static/', ['/static/a'], ['/static/']],
  ['/books/[^/]*', false, null, '/books/', ['/books/', '/books/1'], ['/books', '/books/1/', '/books/1/2']],
  ['/books/[^/]+', false, null, '/books/', ['/books/1'], ['/books/', '/books/1/2']],
  ['/b/[^/]*/edit', false, null, '/b/', ['/b/1/edit', '/b//edit'], ['/b/1/edits', '/b/1/2/edit', '/b/edit']],
  ['/b/\\d+/c/\\w*', false, null, '/b/', ['/b/12/c/x_9', '/b/1/c/'], ['/b//c/', '/b/1a/c/', '/b/1/c/-']],
  ['/b/[0-9]+', false, null, '/b/', ['/b/0'], ['/b/', '/b/x']],
  ['/a.c', false, null, '/a', ['/abc', '/a.c'], ['/ac', '/abbc']],
  ['/[a-zA-Z0-9_.\\-]+', false, null, '/', ['/a-Z_9.'], ['/a b', '/']],
  ['/[]a]+', false, null, '/', ['/]a'], ['/b']],
  ['/[^a-c/]+/x', false, null, '/', ['/dé\n/x'], ['/a/x', '/d']],
  ['/[-a]', false, null, '/', ['/-', '/a'], ['/b']],
  ['/\\D\\S', false, null, '/', ['/ab'], ['/1b', '/a ']],
  ['/users/(\\d+)/(?:x)', false, null, '/users/', ['/users/1/x'], ['/users/1/(x)', '/users//x']],
  ['/users/(?P<id>[^/]+)', false, null, '/users/', ['/users/1'], ['/users/']],
  // A run that could swallow what follows needs the engine.
  ['/a/.*/b', true, null, '/a/', ['/a//b', '/a/x/b', '/a/b/b'], ['/a/b']],
  ['/\\w+x', true, null, '/', ['/ax', '/xx'], ['/x', '/a']],
  ['/[[:alpha:]]+', true, null, '/', ['/abc'], ['/1', '/:']],
  ['/(ab)+', true, null, '/', ['/abab'], ['/aba', '/']],
  ['/x/([a-z]+|[0-9]+)', true, null, '/x/', ['/x/ab', '/x/12'], ['/x/a1', '/x/']],
  ['/(?i:a)', true, null, '/', ['/A'], ['/b']],
  ['/(a|b)/c', true, null, '/', ['/a/c', '/b/c'], ['/c/c', '/ab/c']],
  ['/a|/b', true, null, '', ['/a', '/b'], ['/ab', '/a/b', '/a|/b']],
  ['/ab?', true, null, '/a', ['/a', '/ab'], ['/abb', '/']],
  ['/abc?', true, null, '/ab', ['/ab', '/abc'], ['/a']],
  ['/\u{1f600}?', true, null, '/', ['/', '/\u{1f600}'], ['/a']],
  ['/caf\u00e9', true, null, '/caf', ['/caf\u00e9'], ['/cafe']],
  ['/a{2}', true, null, '/', ['/aa'], ['/a', '/aaa']],
  ['(?i)/Books', true, null, '', ['/books', '/BOOKS'], ['/book']],
  ['/a[(]b|/c', true, null, '', ['/a(b', '/c'], ['/a']],
  ['/\\Qa|b\\E', true, null, '', ['/a|b'], ['/a']],
  ['/caf\\x{e9}', true, null, '/caf', ['/café'], ['/cafe']],
  ['/[a-z]+', false, null, '/', ['/abc'], ['/ABC', '/']],
];

describe('path pattern', () => {
  for (const [expression, engine, exact, prefix, yes, no] of ROWS) {
    it(`${JSON.stringify(expression)} ${engine ? 'by the engine' : 'without the engine'}`, () => {
      const pattern = compilePattern(expression, engine ? regexEngine : noEngine);
      expect([pattern.exact, pattern.prefix]).to.deep.equal([exact, prefix]);
      expect(yes.filter((path) => !pattern.matches(path))).to.deep.equal([]);
      expect(no.filter((path) => pattern.matches(path))).to.deep.equal([]);
    });
  }

  it('asks for the engine where it is needed, and only there', () => {
    expect(() => compilePattern('/(a|b)', noEngine)).to.throw('the engine was asked for');
  });

  it('refuses what the engine cannot read, and long expressions', () => {
    for (const wrong of ['/(a', '/a)', '/[a', '/[b-a]', '/(?P<x>a)(?P<x>b)', '/a\\']) {
      expect(() => compilePattern(wrong, regexEngine), wrong).to.throw();
    }
    expect(() => compilePattern('(?=a)/b', regexEngine)).to.throw();
    expect(() => compilePattern('a'.repeat(1025), noEngine)).to.throw(/1024/);
  });

  it('answers in linear time where a backtracking engine would not (B18)', () => {
    const pattern = compilePattern('/(a+)+b', regexEngine);
    const started = process.cpuUsage().user;
    expect(pattern.matches(`/${'a'.repeat(8000)}`)).to.equal(false);
    // A backtracking engine needs 2^8000 steps; this bound only tells linear from exponential.
    expect(process.cpuUsage().user - started).to.be.lessThan(2_000_000);
  });
});
