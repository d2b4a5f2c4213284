import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { runCli } from '../../../support/cli.ts';
import { GOLDEN, PROFILES_FOLDER, TEMPLATE } from '../../../support/profiles.ts';

const [BOOKS, , VOTING] = GOLDEN;
const SERVICE_D = 'syntax = "proto3";\nservice D {\n  rpc Get (A) returns (B);\n}\n';

describe('weft profile', () => {
  const profile = (argv: readonly string[], stdin = '') =>
    runCli(['profile', ...argv], { cwd: PROFILES_FOLDER, stdin });

  async function failure(argv: readonly string[], stdin = ''): Promise<{ status: number; stderr: string }> {
    const { status, stdout, stderr } = await profile(argv, stdin);
    expect(stdout).to.equal('');
    return { status, stderr };
  }

  it('prints the profile of a file, and nothing else', async () => {
    for (const [option, { name, expected }] of [
      ['--open-api', BOOKS!],
      ['--proto', VOTING!],
    ] as const) {
      const result = await profile([option, name, 'web', '-n', 'shop']);
      expect(result).to.deep.equal({ status: 0, stdout: expected, stderr: '' });
    }
  });

  it('prints the template', async () => {
    const result = await profile(['--template', '-n', 'shop', 'web']);
    expect(result).to.deep.equal({ status: 0, stdout: TEMPLATE, stderr: '' });
  });

  it('reads the standard input', async () => {
    const { status, stdout } = await profile(['--proto', '-', 'web'], SERVICE_D);
    expect(status).to.equal(0);
    expect(parse(stdout).spec.routes).to.deep.equal([
      { condition: { method: 'POST', pathRegex: '/D/Get' }, name: 'Get' },
    ]);
  });

  it('prints JSON that says the same', async () => {
    for (const source of [['--template'], ['--open-api', 'books.yaml']]) {
      const yaml = await profile([...source, 'web']);
      const json = await profile([...source, 'web', '-o', 'json']);
      expect(JSON.parse(json.stdout)).to.deep.equal(parse(yaml.stdout));
    }
  });

  it('names the profile by Service, namespace and domain of the cluster', async () => {
    const argv = ['--template', '--cluster-domain', 'corp.example', '--ignore-cluster', '-n', 'depot', 'far'];
    for (const each of [argv, ['--open-api', 'books.yaml', ...argv.slice(1)]]) {
      expect(parse((await profile(each)).stdout).metadata).to.deep.equal({
        name: 'far.depot.svc.corp.example',
        namespace: 'depot',
      });
    }
  });

  it('tells of what the mesh warns of, and prints the profile', async () => {
    const { status, stdout, stderr } = await profile(
      ['--proto', '-', 'web'],
      `${SERVICE_D}${SERVICE_D.replace('D', 'E')}`,
    );
    expect(status).to.equal(0);
    expect(parse(stdout).spec.routes).to.have.length(2);
    expect(stderr).to.equal('warning: stdin:7: "Get": name repeats "Get": metrics cannot tell the routes apart\n');
  });

  it('says which lines are wrong, all at once', async () => {
    const text = 'openapi: 3.0.0\npaths:\n  /a:\n    get:\n      x-linkerd-timeout: 1\n  b: {}\n';
    const { status, stderr } = await failure(['--open-api', '-', 'web'], text);
    expect(status).to.equal(1);
    expect(stderr.split('\n').slice(0, 3)).to.deep.equal([
      'WEFT_CLI_PROFILE: no profile can be made of this description: stdin:5: x-linkerd-timeout must be a duration such as 300ms, not 1',
      '  stdin:6: paths: "b" must begin with a slash',
      'next: the detail has the lines: mend them, or begin with weft profile --template',
    ]);
    expect((await failure(['--proto', 'books.yaml', 'web'])).stderr).to.match(
      /^WEFT_CLI_PROFILE: .*: books\.yaml:1: a definition is expected, not "#"\nnext: /,
    );
  });

  it('says what is wrong with the command line: status 2', async () => {
    for (const [argv, detail] of [
      [['web'], 'exactly one of --template, --open-api, --proto and --tap must be given'],
      [
        ['--template', '--proto', 'voting.proto', 'web'],
        'exactly one of --template, --open-api, --proto and --tap must be given',
      ],
      [['--template'], "missing required argument 'service'"],
      [['--template', 'web', 'more'], 'too many arguments'],
      [['--template', 'web.shop'], '"web.shop" is not the name of a Service'],
      [['--template', 'web', '-n', 'Shop'], '"Shop" is not the name of a namespace'],
      [['--template', 'web', '--cluster-domain', 'a..b'], '"a..b" is not the domain of a cluster'],
      [['--template', 'web', '-o', 'xml'], 'Allowed choices are yaml, json'],
    ] as const) {
      const { status, stderr } = await failure(argv);
      expect(status, argv.join(' ')).to.equal(2);
      expect(stderr, argv.join(' '))
        .to.match(/^WEFT_CLI_USAGE: /)
        .and.to.include(detail);
    }
  });
});

describe('weft profile: where the namespace comes from', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-profile-'));
  const kubeconfig = join(folder, 'config');
  const namespaceOf = async (argv: string[], env: Record<string, string> = {}) => {
    const { stdout, stderr } = await runCli(['profile', '--template', 'web', ...argv], { env });
    return stdout === '' ? stderr.split(':')[0] : parse(stdout).metadata.namespace;
  };

  before(() => {
    const contexts = [
      { name: 'one', context: { cluster: 'c', user: 'u', namespace: 'shop' } },
      { name: 'two', context: { cluster: 'c', user: 'u' } },
    ];
    const clusters = [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }];
    writeFileSync(
      kubeconfig,
      JSON.stringify({ clusters, contexts, users: [{ name: 'u', user: {} }], 'current-context': 'one' }),
    );
  });
  after(() => rmSync(folder, { recursive: true }));

  it('the option, the context, default', async () => {
    expect(await namespaceOf(['-n', 'depot', '--kubeconfig', kubeconfig])).to.equal('depot');
    expect(await namespaceOf(['--kubeconfig', kubeconfig])).to.equal('shop');
    expect(await namespaceOf([], { KUBECONFIG: kubeconfig })).to.equal('shop');
    expect(await namespaceOf(['--context', 'two'], { KUBECONFIG: kubeconfig })).to.equal('default');
    expect(await namespaceOf([])).to.equal('default');
  });

  it('a kubeconfig that is asked for and is not there is an error', async () => {
    expect(await namespaceOf(['--kubeconfig', join(folder, 'none')])).to.equal('WEFT_CLI_KUBECONFIG');
    expect(await namespaceOf(['--context', 'three'], { KUBECONFIG: kubeconfig })).to.equal('WEFT_CLI_KUBECONFIG');
  });
});

describe('weft profile: what cannot be read', () => {
  let server: Server;
  let url = '';

  before((done) => {
    server = createServer(({ url: path }, response) => {
      if (path === '/slow') return; // never answered
      response.statusCode = path === '/moved' ? 302 : path === '/voting.proto' ? 200 : 404;
      response.setHeader('location', '/voting.proto');
      response.end(SERVICE_D);
    }).listen(0, '127.0.0.1', () => {
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      done();
    });
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const proto = (source: string, ...more: string[]) =>
    runCli(['profile', '--proto', source, 'web', ...more], { cwd: PROFILES_FOLDER });

  it('a URL is read, also by a redirect', async () => {
    for (const path of ['/voting.proto', '/moved']) {
      const { status, stdout } = await proto(`${url}${path}`);
      expect([status, parse(stdout).spec.routes[0].name]).to.deep.equal([0, 'Get']);
    }
  });

  it('is named with the reason', async () => {
    const reasonOf = async (source: string, ...more: string[]) => {
      const { status, stdout, stderr } = await proto(source, ...more);
      expect([status, stdout]).to.deep.equal([1, '']);
      expect(stderr).to.match(/^WEFT_CLI_INPUT: the input cannot be read: .*\nnext: /);
      return stderr.split('\n')[0]!.slice('WEFT_CLI_INPUT: the input cannot be read: '.length);
    };
    expect(await reasonOf('none.proto')).to.match(/^none\.proto: ENOENT/);
    expect(await reasonOf('.')).to.match(/^\.: EISDIR/);
    expect(await reasonOf(`${url}/none`)).to.equal(`${url}/none: the answer is 404 Not Found`);
    expect(await reasonOf('http://127.0.0.1:1/')).to.match(/^http:\/\/127\.0\.0\.1:1\/: .+/);
    expect(await reasonOf(`${url}/slow`, '--request-timeout', '0.05')).to.match(/\/slow: .*timeout/);
  });

  it('is anything but UTF-8', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'weft-profile-'));
    writeFileSync(join(folder, 'latin1.proto'), Buffer.from([0x2f, 0x2f, 0xe9, 0x0a]));
    const { stderr } = await proto(join(folder, 'latin1.proto'));
    rmSync(folder, { recursive: true });
    expect(stderr).to.match(/^WEFT_CLI_INPUT: .*latin1\.proto: .*not valid/);
  });
});
