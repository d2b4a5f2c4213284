import { expect } from 'chai';
import { parse } from 'yaml';
import { DescriptionError } from '../../../../cli/profile/description-error.ts';
import { openApiRoutes } from '../../../../cli/profile/open-api.ts';
import { printProfile } from '../../../../cli/profile/print.ts';
import { protoRoutes } from '../../../../cli/profile/proto.ts';
import { profileOf } from '../../../../cli/profile/service-profile.ts';
import { effectiveBudget } from '../../../../crds/kinds/service-profile/effective.ts';
import { parseServiceProfile } from '../../../../crds/kinds/service-profile/parse.ts';
import { loadSchemas } from '../../../../crds/schema.ts';
import { isFailure } from '../../../../proxy-image/core/classify/classify.ts';
import { GOLDEN, TARGET, TEMPLATE } from '../../../support/profiles.ts';
import { decide } from '../../../support/routes/decide.ts';

const schemas = loadSchemas();

/** What a proxy that was told of the profile of `web` does with a request. */
function decided(text: string, target: string, method = 'GET') {
  const profile: object = parse(text);
  return decide({ objects: [profile], request: { target, method } }).entry;
}

describe('a profile made of the description of an API', () => {
  const [books = '', orders = '', voting = ''] = GOLDEN.map(({ expected }) => expected);

  for (const { name, expected, printed } of GOLDEN) {
    it(`${name}: is the one that is expected, byte by byte`, () => {
      expect(printed()).to.equal(expected);
    });

    it(`${name}: is taken by the API server and by the mesh without a word`, () => {
      const profile: unknown = parse(printed(), { version: '1.1' });
      expect(schemas.validate(profile)).to.deep.equal([]);
      expect(parseServiceProfile(profile).problems).to.deep.equal([]);
    });
  }

  it('routes requests in a proxy: the first that matches, by method and whole path, without the query', () => {
    const nameOf = (target: string, method?: string) => decided(books, target, method).name;
    expect(nameOf('/v2/books/17?full')).to.equal('GET /v2/books/{id}');
    expect(nameOf('/v2/books/newest.json')).to.equal('GET /v2/books/newest.json');
    expect(nameOf('/v2/books/newestxjson')).to.equal('GET /v2/books/{id}');
    expect(nameOf('/v2/books/17', 'PUT')).to.equal('PUT /v2/books/{id}');
    expect(nameOf('/v2/books', 'POST')).to.equal('POST /v2/books');
    expect(nameOf('/v2/books/17/pages')).to.equal('');
    expect(nameOf('/v2/books/17', 'PATCH')).to.equal('');
    expect(nameOf('/books/17')).to.equal('');
  });

  it('routes by each of several servers', () => {
    const nameOf = (target: string) => decided(orders, target, 'DELETE').name;
    expect(nameOf('/api/v1/orders/1/lines/2')).to.equal('DELETE /api/v1/orders/{order}/lines/{line}');
    expect(nameOf('/orders/1/lines/2')).to.equal('DELETE /orders/{order}/lines/{line}');
    expect(nameOf('/api/v2/orders/1/lines/2')).to.equal('');
  });

  it('sets timeouts, retries and what counts as a failure', () => {
    const get = decided(books, '/v2/books/17');
    const put = decided(books, '/v2/books/17', 'PUT');
    expect([get.policy.retry === null, put.policy.retry === null]).to.deep.equal([false, true]);
    expect([get, put].map(({ policy }) => policy.timeouts.requestMs)).to.deep.equal([0, 750]);
    expect([200, 503, 404].map((status) => isFailure(get, status))).to.deep.equal([false, true, false]);
    expect(isFailure(decided(orders, '/orders/1/lines/2', 'DELETE'), 502)).to.equal(true);
  });

  it('routes calls of gRPC by their methods', () => {
    const entryOf = (method: string) => decided(voting, `/emojivoto.v1.VotingService/${method}`, 'POST');
    expect(['VoteDoughnut', 'Results', 'On', 'Gone'].map((method) => entryOf(method).name)).to.deep.equal([
      'VoteDoughnut',
      'Results',
      'On',
      '',
    ]);
    expect(entryOf('Results').policy.retry).not.to.equal(null);
    expect(entryOf('VoteDoughnut').policy.retry).to.equal(null);
  });

  it('as JSON it says the same', () => {
    for (const { printed } of GOLDEN) {
      const profile: object = parse(printed());
      expect(JSON.parse(printProfile(profile, 'json'))).to.deep.equal(profile);
    }
  });

  it('names that YAML 1.1 takes for something else stay names', () => {
    const names = ['Yes', 'no', 'ON', 'y', 'N', 'null', 'True', '_1', 'inf'];
    const routes = protoRoutes(`service S { ${names.map((name) => `rpc ${name} (A) returns (B);`).join(' ')} }`);
    const printed = printProfile(profileOf(TARGET, routes).profile, 'yaml');
    const read: { spec: { routes: { name: unknown }[] } } = parse(printed, { version: '1.1' });
    expect(read.spec.routes.map(({ name }) => name)).to.deep.equal(names);
  });
});

describe('a description whose profile the mesh would refuse', () => {
  function problemsOf(text: string): string[] {
    try {
      profileOf(TARGET, openApiRoutes(text));
    } catch (error) {
      if (error instanceof DescriptionError) return error.problems.map(({ line, message }) => `${line}: ${message}`);
      throw error;
    }
    return [];
  }

  it('is refused as well, with the line of the operation', () => {
    const text = `openapi: 3.0.0
paths:
  /a:
    get:
      x-linkerd-timeout: soon
    put:
      responses: {600: {}}`;
    expect(problemsOf(text)).to.deep.equal([
      '4: "GET /a": timeout must be a duration such as 300ms, 1.5h or 2h45m',
      '6: "PUT /a": responseClasses[0].condition.status.min must be a status from 100 to 599, not 600',
      '6: "PUT /a": responseClasses[0].condition.status.max must be a status from 100 to 599, not 600',
    ]);
  });

  it('is refused where it has too many routes', () => {
    const paths = Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [`/${index}`, { get: {} }]));
    expect(problemsOf(JSON.stringify({ openapi: '3.0.0', paths }))[0]).to.match(/^1: spec\.routes .*1000/);
  });

  it('what the mesh warns of is told, and the profile is made', () => {
    const routes = protoRoutes('service A { rpc Get (B) returns (C); }\nservice D { rpc Get (B) returns (C); }');
    const { profile, warnings } = profileOf(TARGET, routes);
    expect(profile.spec.routes).to.have.length(2);
    expect(warnings).to.deep.equal([
      { line: 2, message: '"Get": name repeats "Get": metrics cannot tell the routes apart' },
    ]);
  });
});

describe('the template of a profile', () => {
  /** With what is commented out, from `first` on to the next line that is no comment, put in force. */
  function uncommented(first: string): string {
    const lines = TEMPLATE.split('\n');
    const start = lines.findIndex((line) => line.trim() === `# ${first}`);
    const length = lines.slice(start).findIndex((line) => !line.trim().startsWith('#'));
    const changed = lines.slice(start, start + length).map((line) => line.replace('# ', ''));
    return [...lines.slice(0, start), ...changed, ...lines.slice(start + length)].join('\n');
  }

  it('is taken by the API server and by the mesh as it stands, and routes requests', () => {
    const profile: unknown = parse(TEMPLATE);
    expect(schemas.validate(profile)).to.deep.equal([]);
    expect(parseServiceProfile(profile).problems).to.deep.equal([]);
    const entry = decided(TEMPLATE, '/authors/12', 'POST');
    expect(entry.name).to.equal('/authors/{id}');
    expect([isFailure(entry, 503), isFailure(entry, 404)]).to.deep.equal([true, false]);
    expect(decided(TEMPLATE, '/authors/x', 'POST').name).to.equal('');
  });

  it('each of its comments can be put in force', () => {
    for (const first of ['all:', 'any:', 'isRetryable: true', 'timeout: 250ms', 'retryBudget:']) {
      const text = uncommented(first);
      expect(text, first).not.to.equal(TEMPLATE);
      const profile: unknown = parse(text);
      expect(profile, first).not.to.deep.equal(parse(TEMPLATE));
      expect(schemas.validate(profile), first).to.deep.equal([]);
      expect(parseServiceProfile(profile).problems, first).to.deep.equal([]);
    }
  });

  it('says of the retry budget what holds without one', () => {
    const budgetOf = (text: string) => parseServiceProfile(parse(text)).model!.retryBudget;
    expect(budgetOf(uncommented('retryBudget:'))).to.deep.equal(effectiveBudget(null));
  });
});
