import { expect } from 'chai';
import { parseServiceProfile } from '../../../crds/kinds/service-profile/parse.ts';
import { compilePattern, MAX_REGEX_LENGTH } from '../../../proxy-image/core/route/pattern.ts';
import { profile as profileObject } from '../crds/parse/objects.ts';
import { applyAll, ManualClock, newState, regexEngine, request, route, SERVICE_KEY, service, set } from './fixtures.ts';

/** Expressions that a backtracking engine needs exponential time for, each with a path that nearly matches. */
const EVIL: readonly [expression: string, unit: string, end: string][] = [
  ['/(a+)+x', 'a', '!'],
  ['/(a|a)*x', 'a', '!'],
  ['/(a|aa)+x', 'a', '!'],
  ['/([a-z]+)*[0-9]', 'a', '!'],
  ['/(.*a){20}', 'a', '!'],
  ['/(\\w*)*\\d', 'a', '!'],
  ['/(a?){50}a{50}', 'a', '!'],
];
/** Longest path that a head may have, nearly. */
const PATH_BYTES = 8 * 1024;
/** A hundred times what a linear engine takes on a slow machine; a backtracking one would not end in the life of the sun. */
const CPU_MS = 10_000;

describe('expressions made to burn CPU', () => {
  for (const [expression, unit, end] of EVIL) {
    it(`B18: ${expression} judges an 8 KiB path in linear time`, function () {
      this.timeout(60_000);
      const pattern = compilePattern(expression, regexEngine);
      const before = process.cpuUsage();
      expect(pattern.matches(`/${unit.repeat(PATH_BYTES)}${end}`)).to.equal(false);
      expect(process.cpuUsage(before).user / 1000).to.be.lessThan(CPU_MS);
    });
  }

  it('B18: at most 1,024 characters are compiled, by the operator and by the proxy', () => {
    expect(MAX_REGEX_LENGTH).to.equal(1024);
    const fits = `/${'a'.repeat(MAX_REGEX_LENGTH - 1)}`;
    expect(compilePattern(fits, regexEngine).matches(fits)).to.equal(true);
    expect(() => compilePattern(`${fits}a`, regexEngine)).to.throw(RangeError);
    expect(problemsWith(fits)).to.deep.equal([]);
    expect(problemsWith(`${fits}a`).join()).to.match(/pathRegex: must be at most 1024 characters long/);
  });

  it('B18: what multiplies out to too many states is a problem with its path, not a compilation', () => {
    for (const expression of ['/(((a{100}){100}){100})', '/a{1001}', '/((\\pL{500}){500})', '/(a', '/[z-a]', '/\\1']) {
      expect(problemsWith(expression).join(), expression).to.match(/^spec\.routes\[0\]\.condition\.pathRegex: /);
    }
  });

  it('B18: an expression that the proxy’s engine refuses is reported, its route matches nothing, the others work', () => {
    const state = newState(new ManualClock());
    const routes = [route('bad', '/(a'), route('long', `/${'b'.repeat(2000)}`), route('good', '/c')];
    const [rejected] = state.apply([set(SERVICE_KEY, service({ routes }))]);
    expect(rejected).to.deep.include({ key: SERVICE_KEY, applied: true });
    expect(rejected!.problems).to.have.length(2);
    const { entry } = state.destination('10.96.0.1', 80);
    if (entry?.kind !== 'service') throw new Error('no service');
    expect(entry.routes.match(request('GET', '/c')).name).to.equal('good');
    applyAll(state, set(SERVICE_KEY, service({ routes: [route('good', '/d')] }), 'v2'));
    expect(state.destination('10.96.0.1', 80).entry?.kind).to.equal('service');
  });
});

/** Of a ServiceProfile with this one expression; what becomes its condition. */
function problemsWith(pathRegex: string): string[] {
  const object = profileObject({ routes: [{ name: 'a', condition: { pathRegex } }] });
  return parseServiceProfile(object).problems.map(({ path, message }) => `${path}: ${message}`);
}
