import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createPlainServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { createLeaf, createTestAuthority } from '../../support/certificates.ts';
import { runCli } from '../../support/cli.ts';

const OPERATOR = '/apis/apps/v1/namespaces/weft-system/deployments/weft-operator';
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('reaching a cluster', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-kube-'));
  const authority = createTestAuthority();
  const serving = createLeaf(authority, 'localhost');
  const alice = createLeaf(authority, 'alice');
  const asked: IncomingMessage[] = [];
  let answer: RequestListener;
  let server: Server;
  let url: string;

  const deployment = (image: string) => ({
    spec: { template: { spec: { containers: [{ name: 'operator', image }] } } },
  });
  const sending =
    (status: number, body: unknown): RequestListener =>
    (_, response) =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

  before(async () => {
    const tls = { key: serving.keyPem, cert: serving.chainPem, ca: authority.anchorsPem };
    server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, (request, response) => {
      asked.push(request);
      answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    url = `https://localhost:${(server.address() as AddressInfo).port}`;
  });

  beforeEach(() => {
    asked.length = 0;
    answer = sending(200, deployment('registry.example/weft-operator:1.2.3'));
  });

  after(() => {
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true });
  });

  interface Entry {
    name: string;
    server?: string;
    ca?: string;
    user?: object;
    namespace?: string;
  }

  /** One cluster, user and context of the same name for each entry. */
  function kubeconfig(file: string, current: string, ...entries: Entry[]): string {
    const config = {
      'current-context': current,
      clusters: entries.map(({ name, server = url, ca = authority.anchorsPem }) => ({
        name,
        cluster: { server, ...(ca === '' ? {} : { 'certificate-authority-data': base64(ca) }) },
      })),
      users: entries.map(({ name, user = { token: `token-of-${name}` } }) => ({ name, user })),
      contexts: entries.map(({ name, namespace }) => ({ name, context: { cluster: name, user: name, namespace } })),
    };
    const path = join(folder, file);
    writeFileSync(path, JSON.stringify(config));
    return path;
  }

  const versionWith = (path: string, ...argv: string[]) =>
    runCli(['version', '--short', ...argv], { env: { KUBECONFIG: path } });

  it('takes the token of the current context, or of the one that is named', async () => {
    const path = kubeconfig('two', 'a', { name: 'a' }, { name: 'b' });
    expect(await versionWith(path)).to.deep.equal({ status: 0, stdout: '0.1.0\n1.2.3\n', stderr: '' });
    await versionWith(path, '--context', 'b');
    expect(asked.map(({ headers }) => headers.authorization)).to.deep.equal(['Bearer token-of-a', 'Bearer token-of-b']);
    expect(asked.map(({ url }) => url)).to.deep.equal([OPERATOR, OPERATOR]);
  });

  it('takes a client certificate, and asks as somebody else where that is wanted', async () => {
    const user = { 'client-certificate-data': base64(alice.chainPem), 'client-key-data': base64(alice.keyPem) };
    const path = kubeconfig('certificate', 'a', { name: 'a', user });
    const peers: boolean[] = [];
    answer = (request, response) => {
      peers.push((request.socket as TLSSocket).authorized);
      sending(200, deployment('weft-operator:2'))(request, response);
    };
    const argv = ['--as', 'bob', '--as-group', 'ops', '--as-group', 'dev'];
    expect((await versionWith(path, ...argv)).status).to.equal(0);
    expect(peers).to.deep.equal([true]);
    expect(asked[0]!.headersDistinct).to.deep.include({
      'impersonate-user': ['bob'],
      'impersonate-group': ['ops', 'dev'],
    });
  });

  it('asks an exec plug-in for the token', async () => {
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'token-of-plug-in' },
    };
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: ['-e', `console.log(${JSON.stringify(JSON.stringify(credential))})`],
      interactiveMode: 'Never',
    };
    expect(await versionWith(kubeconfig('exec', 'a', { name: 'a', user: { exec } }))).to.include({
      status: 0,
      stderr: '',
    });
    expect(asked[0]!.headers.authorization).to.equal('Bearer token-of-plug-in');
  });

  it('of several files the first to say something holds, and one that is absent is passed over', async () => {
    const first = kubeconfig('first', '', { name: 'a', user: { token: 'of-first' } });
    const second = kubeconfig('second', 'a', { name: 'a', user: { token: 'of-second' } }, { name: 'b' });
    expect(await versionWith(`${join(folder, 'absent')}:${first}:${second}`)).to.include({ status: 0 });
    expect(await versionWith(`${first}:${second}`, '--context', 'b')).to.include({ status: 0 });
    expect(asked.map(({ headers }) => headers.authorization)).to.deep.equal(['Bearer of-first', 'Bearer token-of-b']);
  });

  it('a kubeconfig that says nothing usable ends with 3, and says what is missing', async () => {
    const path = kubeconfig('one', 'gone', { name: 'a' });
    const broken = join(folder, 'broken');
    writeFileSync(broken, '{ clusters: [');
    const wrong: [string[], RegExp][] = [
      [['--kubeconfig', 'absent'], /--kubeconfig names absent, which does not exist/],
      [['--kubeconfig', path], /no context gone; the kubeconfig has a$/m],
      [['--kubeconfig', path, '--context', 'b'], /no context b; the kubeconfig has a$/m],
      [['--kubeconfig', broken], /broken: /],
    ];
    for (const [argv, words] of wrong) {
      const { status, stdout, stderr } = await runCli(['version', ...argv]);
      expect({ status, stdout }).to.deep.equal({
        status: 3,
        stdout: 'Client version: 0.1.0\nServer version: unavailable\n',
      });
      expect(stderr)
        .to.match(/^WEFT_CLI_KUBECONFIG: /)
        .and.to.match(words);
    }
    expect(asked).to.deep.equal([]);
  });

  it('an API server that is not there, not the one, or silent ends with 3', async () => {
    const silent = createPlainServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, 'localhost', resolve));
    const silentUrl = `http://localhost:${(silent.address() as AddressInfo).port}`;
    const path = kubeconfig(
      'unreachable',
      '',
      { name: 'refused', server: 'https://127.0.0.1:1' },
      { name: 'foreign', ca: createTestAuthority().anchorsPem },
      { name: 'silent', server: silentUrl },
    );
    const words = { refused: /ECONNREFUSED/, foreign: /certificate/, silent: /no answer within 0.2 s/ };
    for (const [name, text] of Object.entries(words)) {
      const { status, stderr } = await versionWith(path, '--context', name, '--request-timeout', '0.2');
      expect(status, name).to.equal(3);
      expect(stderr)
        .to.match(/^WEFT_CLI_UNREACHABLE: /)
        .and.to.match(text);
    }
    silent.close();
    silent.closeAllConnections();
  });

  it('says what the API server refuses, in its words', async () => {
    const path = kubeconfig('refusals', 'a', { name: 'a' });
    const refusals: [number, number, string][] = [
      [401, 3, 'WEFT_CLI_CREDENTIALS'],
      [403, 1, 'WEFT_CLI_FORBIDDEN'],
      [404, 1, 'WEFT_CLI_NOT_INSTALLED'],
      [500, 1, 'WEFT_CLI_API'],
    ];
    for (const [status, exit, code] of refusals) {
      answer = sending(status, { kind: 'Status', message: 'words of the server', reason: 'Why' });
      const result = await versionWith(path);
      expect(result.status, code).to.equal(exit);
      expect(result.stderr).to.match(new RegExp(`^${code}: `));
      if (status !== 404) expect(result.stderr).to.include(`${status} to GET ${OPERATOR}: words of the server`);
    }
  });

  it('counts the proxies of a namespace by version, page by page', async () => {
    const pod = (version?: string) => ({
      metadata: { annotations: version === undefined ? {} : { 'linkerd.io/proxy-version': version } },
    });
    answer = (request, response) => {
      const { pathname, searchParams } = new URL(request.url!, url);
      if (pathname === OPERATOR) return sending(200, deployment('x/weft-operator@sha256:abc'))(request, response);
      const isFirst = searchParams.get('continue') === null;
      const items = isFirst ? [pod('b'), pod('a')] : [pod('b'), pod()];
      return sending(200, { metadata: isFirst ? { continue: 'next' } : {}, items })(request, response);
    };
    const path = kubeconfig('pods', 'a', { name: 'a', namespace: 'ignored' });
    const { stdout } = await runCli(['version', '--proxy', '-n', 'shop', '-o', 'json', '--kubeconfig', path]);
    expect(JSON.parse(stdout)).to.deep.equal({
      clientVersion: '0.1.0',
      clientCommit: 'unknown',
      server: { version: 'unavailable', image: 'x/weft-operator@sha256:abc' },
      proxyVersions: { a: 1, b: 2, unknown: 1 },
    });
    expect(asked.map((request) => new URL(request.url!, url).pathname).slice(1)).to.deep.equal([
      '/api/v1/namespaces/shop/pods',
      '/api/v1/namespaces/shop/pods',
    ]);
    const table = await runCli(['version', '--proxy', '--kubeconfig', path]);
    expect(table.stdout).to.match(/Proxy versions:\n\ta \(1 pods\)\n\tb \(2 pods\)\n\tunknown \(1 pods\)\n$/);
  });
});
