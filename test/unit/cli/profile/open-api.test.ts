import { expect } from 'chai';
import { DescriptionError } from '../../../../cli/profile/description-error.ts';
import { openApiRoutes } from '../../../../cli/profile/open-api.ts';

const routesOf = (text: string) => openApiRoutes(text).map(({ route }) => route);
const namesOf = (text: string) => routesOf(text).map(({ name }) => name);
const patternsOf = (text: string) => routesOf(text).map(({ condition }) => condition.pathRegex);

function problemsOf(text: string): string[] {
  try {
    openApiRoutes(text);
  } catch (error) {
    if (error instanceof DescriptionError) return error.problems.map(({ line, message }) => `${line}: ${message}`);
    throw error;
  }
  return [];
}

const BOOKS = `
swagger: "2.0"
basePath: /v1
paths:
  /books/{id}:
    put:
      x-linkerd-retryable: true
      x-linkerd-timeout: 60s
      responses:
        "503": {}
        "200": {}
        default: {}
    get: {responses: {404: {}}}
  /authors.json: {head: {}}
`;

describe('routes of an OpenAPI description', () => {
  it('one for each method of each path, in the order of Linkerd, below the base path', () => {
    expect(routesOf(BOOKS)).to.deep.equal([
      { name: 'HEAD /v1/authors.json', condition: { method: 'HEAD', pathRegex: '/v1/authors\\.json' } },
      {
        name: 'GET /v1/books/{id}',
        condition: { method: 'GET', pathRegex: '/v1/books/[^/]*' },
        responseClasses: [{ condition: { status: { min: 404, max: 404 } } }],
      },
      {
        name: 'PUT /v1/books/{id}',
        condition: { method: 'PUT', pathRegex: '/v1/books/[^/]*' },
        responseClasses: [
          { condition: { status: { min: 200, max: 200 } } },
          { condition: { status: { min: 503, max: 503 } }, isFailure: true },
        ],
        isRetryable: true,
        timeout: '60s',
      },
    ]);
  });

  it('JSON says the same as YAML, indented by tabs or not', () => {
    const json = {
      swagger: '2.0',
      basePath: '/v1',
      paths: { '/books/{id}': { get: { responses: { 404: {} } } } },
    };
    for (const indent of [undefined, '\t', 2]) {
      expect(namesOf(JSON.stringify(json, null, indent)), String(indent)).to.deep.equal(['GET /v1/books/{id}']);
    }
  });

  it('each method has its route, and nothing else has', () => {
    const operations = ['trace', 'put', 'post', 'patch', 'options', 'head', 'get', 'delete'].map(
      (each) => `${each}: {}`,
    );
    const item = `{${operations.join(', ')}, parameters: [], summary: all, x-own: {}}`;
    expect(namesOf(`openapi: 3.1.0\npaths: {x-paths: {get: {}}, /a: ${item}}`)).to.deep.equal(
      ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE'].map((method) => `${method} /a`),
    );
  });

  it('a path is quoted, its parameters stand for one segment or a part of one', () => {
    const of = (path: string) => patternsOf(JSON.stringify({ openapi: '3.0.0', paths: { [path]: { get: {} } } }))[0];
    expect(of('/a.b/{c}/{d}.{e}')).to.equal('/a\\.b/[^/]*/[^/]*\\.[^/]*');
    expect(of('/a/{b-c}:run')).to.equal('/a/[^/]*:run');
    expect(of('/a+(b)|c$')).to.equal('/a\\+\\(b\\)\\|c\\$');
    expect(of('/a/{b')).to.equal('/a/\\{b');
    expect(of('/a/')).to.equal('/a/');
  });

  it('what a request line cannot hold is encoded in the pattern, and readable in the name', () => {
    expect(routesOf('openapi: 3.0.0\npaths: {/café au lait: {get: {}}}')).to.deep.equal([
      { name: 'GET /café au lait', condition: { method: 'GET', pathRegex: '/caf%C3%A9%20au%20lait' } },
    ]);
  });

  it('a hundred of statuses (5XX) is one class', () => {
    const [route] = routesOf('openapi: 3.0.0\npaths: {/a: {get: {responses: {5XX: {}, 2xx: {}, 404: {}, x-a: {}}}}}');
    expect(route!.responseClasses).to.deep.equal([
      { condition: { status: { min: 200, max: 299 } } },
      { condition: { status: { min: 404, max: 404 } } },
      { condition: { status: { min: 500, max: 599 } }, isFailure: true },
    ]);
  });

  it('a path item may be elsewhere in the file', () => {
    const text = `
openapi: 3.1.0
paths:
  /a: {$ref: '#/paths/~1b'}
  /b: {$ref: '#/components/pathItems/b%20c'}
components: {pathItems: {b c: {get: {}}}}`;
    expect(namesOf(text)).to.deep.equal(['GET /a', 'GET /b']);
  });

  it('anchors and merged keys of YAML are followed', () => {
    const text = `
openapi: 3.0.0
x-all: &all {get: {responses: &answers {200: {}}}}
paths:
  /a: *all
  /b: {<<: *all, put: {responses: *answers}}`;
    expect(namesOf(text)).to.deep.equal(['GET /a', 'GET /b', 'PUT /b']);
  });
});

describe('what the paths of an OpenAPI description are relative to', () => {
  const under = (servers: string) => patternsOf(`openapi: 3.0.3\nservers: ${servers}\npaths: {/a: {get: {}}}`);

  it('the path of a server, whatever its host', () => {
    expect(under('[{url: https://api.example.com/v1/}]')).to.deep.equal(['/v1/a']);
    expect(under('[{url: //api.example.com/v1}]')).to.deep.equal(['/v1/a']);
    expect(under('[{url: /v1}]')).to.deep.equal(['/v1/a']);
    expect(under('[{url: v1}]')).to.deep.equal(['/v1/a']);
    expect(under('[{url: https://api.example.com}]')).to.deep.equal(['/a']);
    expect(under('[]')).to.deep.equal(['/a']);
  });

  it('variables have their defaults', () => {
    const variables = '{host: {default: a.example}, base: {enum: [v1/x, v2], default: v1/x}}';
    expect(under(`[{url: "https://{host}:80/{base}", variables: ${variables}}]`)).to.deep.equal(['/v1/x/a']);
  });

  it('several servers: each path once, because a request may come by any', () => {
    const servers = '[{url: https://one/v1}, {url: https://two/v1}, {url: /v2}]';
    expect(under(servers)).to.deep.equal(['/v1/a', '/v2/a']);
  });

  it('the innermost servers count', () => {
    const text = `
openapi: 3.0.3
servers: [{url: /root}]
paths:
  /a:
    servers: [{url: /item}]
    get: {}
    put: {servers: [{url: /own}]}
  /b: {get: {}}`;
    expect(patternsOf(text)).to.deep.equal(['/item/a', '/own/a', '/root/b']);
  });

  it('a base path may be written with or without its slashes', () => {
    for (const [base, pattern] of [
      ['/', '/a'],
      ['v1', '/v1/a'],
      ['/v1/', '/v1/a'],
      ['//v1//x', '/v1/x/a'],
    ] as const) {
      expect(patternsOf(`swagger: 2.0\nbasePath: ${base}\npaths: {/a: {get: {}}}`), base).to.deep.equal([pattern]);
    }
  });
});

describe('what is wrong with an OpenAPI description', () => {
  it('is told with the line: neither YAML nor JSON', () => {
    expect(problemsOf('swagger: "2.0"\npaths:\n  /a: [')[0]).to.match(/^3: Flow sequence/);
    expect(problemsOf('swagger: "2.0"\nswagger: "2.0"')[0]).to.match(/^2: Map keys must be unique/);
    expect(problemsOf('a: 1\n---\nb: 2')[0]).to.match(/^2: .*multiple documents/);
  });

  it('is told with the line: no description of an API', () => {
    const message = 'is no description of an API: it has neither swagger: "2.0" nor openapi: "3…"';
    for (const text of ['', '- swagger', 'kind: Service', 'swagger: "1.2"', 'openapi: 4.0.0']) {
      expect(problemsOf(text), text).to.deep.equal([`1: ${message}`]);
    }
    expect(problemsOf('info: {}\nopenapi: 2.0.0')).to.deep.equal([`2: ${message}`]);
  });

  it('is told with the line: nothing to make routes of', () => {
    expect(problemsOf('openapi: 3.0.0\ninfo: {}')).to.deep.equal(['1: paths has no operation']);
    expect(problemsOf('openapi: 3.0.0\npaths:\n  /a: {summary: none}')).to.deep.equal(['2: paths has no operation']);
  });

  it('is told all at once', () => {
    const text = `openapi: 3.0.0
servers:
  - url: https://[/
paths:
  a: {get: {}}
  /b:
    $ref: other.yaml#/b
  /c: 1
  /d:
    get:
      x-linkerd-timeout: 5
      x-linkerd-retryable: yes
      responses:
        200: {}
        ok: {}
  /e: {$ref: '#/paths/~1e'}
  /f: {$ref: '#/paths/~1none'}`;
    expect(problemsOf(text)).to.deep.equal([
      '3: servers: url must be a URL, not "https://[/"',
      '5: paths: "a" must begin with a slash',
      '7: $ref: "other.yaml#/b" is another file, which is not read: bundle the files into one first',
      '8: must be an object, or a $ref that leads to one',
      '11: x-linkerd-timeout must be a duration such as 300ms, not 5',
      '12: x-linkerd-retryable must be true or false, not "yes"',
      '15: responses: "ok" is no status',
      '16: must be an object, or a $ref that leads to one',
      '17: must be an object, or a $ref that leads to one',
    ]);
  });

  it('is told once, also where every operation meets it', () => {
    const text = 'openapi: 3.0.0\nservers: [{url: "http://["}]\npaths:\n  /a: {get: {}, put: {}}\n  /b: {get: {}}';
    expect(problemsOf(text)).to.deep.equal(['2: servers: url must be a URL, not "http://["']);
  });

  it('nothing that a terminal obeys is repeated, nor printed', () => {
    expect(problemsOf('swagger: "2.0"\npaths:\n  "/a\\u009b31m": {get: {}}')).to.deep.equal([
      '3: the path "/a\\u009b31m" has characters that are not printable',
    ]);
    expect(problemsOf('swagger: *\u001b[31m')[0]).to.match(/^1: [ -~]+$/);
  });

  it('aliases that multiply are refused', () => {
    const levels = Array.from({ length: 12 }, (_, level) => {
      const before = level === 0 ? 'x' : `*a${level - 1}`;
      return `a${level}: &a${level} [${Array(10).fill(before).join(', ')}]`;
    });
    expect(problemsOf(levels.join('\n'))).to.deep.equal(['1: its aliases cannot be resolved']);
  });
});
