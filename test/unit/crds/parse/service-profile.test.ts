import { expect } from 'chai';
import { parseServiceProfile } from '../../../../crds/kinds/service-profile/parse.ts';
import { MAX_PATTERN_COST } from '../../../../crds/parse/limits.ts';
import { parsePathRegex } from '../../../../crds/scalars/path-regex.ts';
import { modelOf, problemsOf, profile } from './objects.ts';

function route(fields: Record<string, unknown>) {
  const condition = fields['condition'] ?? { method: 'GET' };
  return modelOf(parseServiceProfile(profile({ routes: [{ name: 'r', ...fields, condition }] }))).routes[0]!;
}

function matchOf(condition: unknown) {
  return route({ condition }).match;
}

function classOf(condition: unknown) {
  return route({ responseClasses: [{ condition, isFailure: true }] }).responseClasses[0]!.match;
}

function costOf(pattern: string): number {
  const parsed = parsePathRegex(pattern);
  return parsed.ok ? parsed.value.cost : 0;
}

const get = { type: 'method', method: 'GET' };
const head = { type: 'method', method: 'HEAD' };

describe('ServiceProfile: request matches', () => {
  it('of one field are that field, of several fields their conjunction', () => {
    expect(matchOf({ method: 'GET' })).to.deep.equal(get);
    expect(matchOf({ pathRegex: '/a' })).to.deep.equal({ type: 'path', regex: '/a' });
    expect(matchOf({ method: 'GET', pathRegex: '/a', any: [{ method: 'HEAD' }] })).to.deep.equal({
      type: 'all',
      of: [get, { type: 'path', regex: '/a' }, { type: 'any', of: [head] }],
    });
  });

  it('negate one object, or each element of a list', () => {
    expect(matchOf({ not: { method: 'GET' } })).to.deep.equal({ type: 'not', of: get });
    expect(matchOf({ not: [{ method: 'GET' }] })).to.deep.equal({ type: 'not', of: get });
    expect(matchOf({ not: [{ method: 'GET' }, { method: 'HEAD' }] })).to.deep.equal({
      type: 'all',
      of: [
        { type: 'not', of: get },
        { type: 'not', of: head },
      ],
    });
  });

  it('may be empty lists: all of nothing always holds, any of nothing never', () => {
    expect(matchOf({ all: [] })).to.deep.equal({ type: 'all', of: [] });
    expect(matchOf({ any: [] })).to.deep.equal({ type: 'any', of: [] });
  });

  it('treat null and empty text as absent, as Go does', () => {
    expect(matchOf({ method: 'GET', pathRegex: '', not: null, all: null })).to.deep.equal(get);
  });

  it('are refused beyond 16 levels, without following them', () => {
    const nest = (depth: number): unknown => (depth === 0 ? { method: 'GET' } : { not: nest(depth - 1) });
    expect(parseServiceProfile(profile({ routes: [{ name: 'r', condition: nest(15) }] })).problems).to.deep.equal([]);
    const { model, problems } = parseServiceProfile(profile({ routes: [{ name: 'r', condition: nest(5_000) }] }));
    expect(model).to.equal(null);
    expect(problems.map(({ message }) => message)).to.deep.equal(['must not be nested deeper than 16 levels']);
    expect(problems[0]!.path).to.equal(`spec.routes[0].condition${'.not'.repeat(16)}`);
  });
});

describe('ServiceProfile: response matches', () => {
  const status = (min: number, max: number) => ({ type: 'status', min, max });

  it('are ranges; one bound alone means that one status', () => {
    expect(classOf({ status: { min: 500, max: 599 } })).to.deep.equal(status(500, 599));
    expect(classOf({ status: { min: 503 } })).to.deep.equal(status(503, 503));
    expect(classOf({ status: { max: 429 } })).to.deep.equal(status(429, 429));
    expect(classOf({ status: { min: 0, max: 404 } })).to.deep.equal(status(404, 404));
  });

  it('without any bound match nothing, with a warning', () => {
    const parsed = parseServiceProfile(
      profile({
        routes: [{ name: 'r', condition: { method: 'GET' }, responseClasses: [{ condition: { status: {} } }] }],
      }),
    );
    expect(problemsOf(parsed)).to.deep.equal(['warning spec.routes[0].responseClasses[0].condition.status']);
    expect(parsed.model!.routes[0]!.responseClasses).to.deep.equal([
      { match: { type: 'any', of: [] }, isFailure: false },
    ]);
  });

  it('combine', () => {
    expect(classOf({ all: [{ status: { min: 400, max: 499 } }, { not: { status: { min: 404 } } }] })).to.deep.equal({
      type: 'all',
      of: [status(400, 499), { type: 'not', of: status(404, 404) }],
    });
  });
});

describe('ServiceProfile: routes', () => {
  it('are not retried and have no timeout unless they say so', () => {
    expect(route({})).to.deep.equal({ name: 'r', match: get, isRetryable: false, timeoutMs: 0, responseClasses: [] });
    expect(route({ isRetryable: true, timeout: '1.5s' })).to.include({ isRetryable: true, timeoutMs: 1_500 });
  });

  it('round timeouts up to a whole millisecond, so that a tiny one does not mean none', () => {
    expect(route({ timeout: '1ns' }).timeoutMs).to.equal(1);
    expect(route({ timeout: '1.1ms' }).timeoutMs).to.equal(2);
  });

  it('report every problem of every route at once', () => {
    const parsed = parseServiceProfile(
      profile({
        routes: [
          { name: '', timeout: 'soon', condition: { pathRegex: '(' }, retry: true },
          null,
          'text',
          { name: 7, condition: [], isRetryable: 'yes', responseClasses: {} },
          { name: 'x'.repeat(1_025), condition: { method: 'G ET' }, timeout: '-1s' },
        ],
      }),
    );
    expect(parsed.model).to.equal(null);
    expect(problemsOf(parsed)).to.deep.equal([
      'error spec.routes[0].condition.pathRegex',
      'error spec.routes[0].name',
      'error spec.routes[0].retry',
      'error spec.routes[0].timeout',
      'error spec.routes[1]',
      'error spec.routes[2]',
      'error spec.routes[3].condition',
      'error spec.routes[3].isRetryable',
      'error spec.routes[3].name',
      'error spec.routes[3].name',
      'error spec.routes[3].responseClasses',
      'error spec.routes[4].condition.method',
      'error spec.routes[4].name',
      'error spec.routes[4].timeout',
    ]);
  });

  it('E9 are refused as a whole when there are 100,000 of them', () => {
    const routes = Array.from({ length: 100_000 }, (_, i) => ({ name: `r${i}`, condition: { pathRegex: `/${i}` } }));
    const { model, problems } = parseServiceProfile(profile({ routes }));
    expect(model).to.equal(null);
    expect(problems).to.deep.equal([
      { severity: 'error', path: 'spec.routes', message: 'must have at most 1000 items, not 100000' },
    ]);
  });

  for (const pattern of [
    String.raw`\pL{999}\pN{999}`,
    String.raw`[\pL\pN]`.repeat(120),
    `(?i)${String.raw`\pL`.repeat(330)}`,
  ]) {
    it(`E9 are compiled only up to a bound when each has the pattern ${pattern.slice(0, 20)}`, () => {
      const routes = Array.from({ length: 1_000 }, (_, i) => ({ name: `r${i}`, condition: { pathRegex: pattern } }));
      const { model, problems } = parseServiceProfile(profile({ routes }));
      const cost = costOf(pattern);
      const compiled = Math.floor(MAX_PATTERN_COST / cost) + 1;
      expect(problems[0]!.path).to.equal(`spec.routes[${compiled}].condition.pathRegex`);
      expect(compiled * cost).to.be.below(1.2 * MAX_PATTERN_COST);
      expect(model).to.equal(null);
      expect(problems[0]!.message).to.match(/too complex together/);
      expect(problems.length).to.equal(101);
      expect(problems.at(-1)!.message).to.match(/further problems are left out/);
    });
  }

  it('may be a thousand with ordinary patterns', () => {
    const routes = Array.from({ length: 1_000 }, (_, i) => {
      const pathRegex = String.raw`/api/v1/tenants/[^/]+/orders/${i}/\d{1,12}(/items)?/[0-9a-f]{8}-[0-9a-f]{4}`;
      return { name: `r${i}`, condition: { pathRegex } };
    });
    expect(modelOf(parseServiceProfile(profile({ routes }))).routes).to.have.length(1_000);
  });
});

describe('ServiceProfile: budget, overrides, ports', () => {
  it('has the default budget when it gives none', () => {
    const model = modelOf(parseServiceProfile(profile({})));
    expect(model).to.include({ retryBudget: null });
    expect(model.routes).to.deep.equal([]);
    const budget = { retryRatio: 0.2, minRetriesPerSecond: 10, ttl: '10s' };
    expect(modelOf(parseServiceProfile(profile({ retryBudget: budget }))).retryBudget).to.deep.equal({
      ratio: 0.2,
      minRetriesPerSecond: 10,
      ttlMs: 10_000,
    });
  });

  it('keeps a budget out of range as written, and warns that nothing is retried with it', () => {
    const parsed = parseServiceProfile(
      profile({ retryBudget: { retryRatio: 5_000, minRetriesPerSecond: 0, ttl: '1h' } }),
    );
    expect(parsed.model!.retryBudget).to.deep.equal({ ratio: 5_000, minRetriesPerSecond: 0, ttlMs: 3_600_000 });
    expect(problemsOf(parsed)).to.deep.equal(['warning spec.retryBudget.retryRatio', 'warning spec.retryBudget.ttl']);
  });

  it('refuses a budget with absent or impossible numbers', () => {
    const parsed = parseServiceProfile(
      profile({ retryBudget: { retryRatio: Number.NaN, minRetriesPerSecond: 2 ** 31 } }),
    );
    expect(problemsOf(parsed)).to.deep.equal([
      'error spec.retryBudget.minRetriesPerSecond',
      'error spec.retryBudget.retryRatio',
      'error spec.retryBudget.ttl',
    ]);
  });

  it('reads overrides with their Service, port and weight in thousandths', () => {
    const dstOverrides = [
      { authority: 'a.shop.svc.cluster.local', weight: '500m' },
      { authority: 'b.other.svc.cluster.local:8080', weight: 2 },
      { authority: 'c.shop.svc.cluster.local.', weight: 0 },
    ];
    expect(modelOf(parseServiceProfile(profile({ dstOverrides }))).dstOverrides).to.deep.equal([
      { authority: 'a.shop.svc.cluster.local', service: 'a', namespace: 'shop', port: 0, weight: 500 },
      { authority: 'b.other.svc.cluster.local:8080', service: 'b', namespace: 'other', port: 8080, weight: 2_000 },
      { authority: 'c.shop.svc.cluster.local.', service: 'c', namespace: 'shop', port: 0, weight: 0 },
    ]);
  });

  it('refuses overrides that name no Service or no possible weight (E9)', () => {
    const authority = 'a.shop.svc.cluster.local';
    const dstOverrides = [
      { authority: 'a.shop', weight: 1 },
      { authority: `${authority}:0`, weight: 1 },
      { authority: `${authority}:80:80`, weight: 1 },
      { authority, weight: -1 },
      { authority, weight: '1e999' },
      { authority, weight: 2e9 },
      { authority, weight: '0.5.5' },
    ];
    expect(problemsOf(parseServiceProfile(profile({ dstOverrides })))).to.deep.equal([
      ...[0, 1, 2].map((i) => `error spec.dstOverrides[${i}].authority`),
      ...[3, 4, 5, 6].map((i) => `error spec.dstOverrides[${i}].weight`),
    ]);
  });

  it('keeps opaque ports as ranges', () => {
    const parse = (opaquePorts: unknown) => parseServiceProfile(profile({ opaquePorts }));
    expect(modelOf(parse(['25', '1-65535'])).opaquePorts).to.deep.equal([
      [25, 25],
      [1, 65_535],
    ]);
    expect(problemsOf(parse(['2-1', '25']))).to.deep.equal(['error spec.opaquePorts[0]']);
    expect(problemsOf(parse([25, 'x']))).to.deep.equal(['error spec.opaquePorts[0]', 'error spec.opaquePorts[1]']);
  });

  it('knows its target from its name, in any cluster domain', () => {
    const target = (name: string) => parseServiceProfile(profile({}, name)).model?.target;
    expect(target('web.shop.svc.k8s.example.org')).to.deep.equal({
      service: 'web',
      namespace: 'shop',
      domain: 'k8s.example.org',
    });
    expect(target('web.shop.svc')).to.equal(null);
    expect(target('example.com')).to.equal(null);
    expect(target('Web')).to.equal(undefined);
  });
});
