import type { ServerResponse } from 'node:http';
import { expect } from 'chai';
import { durationOf, type TapLine, type TapShown } from '../../../../crds/viz/tap.ts';
import { CliCluster } from '../../../support/cli-cluster.ts';

const ROOT = '/apis/tap.linkerd.io/v1alpha1/watch';
const WEB = `${ROOT}/namespaces/shop/deployments/web/tap`;
const ESCAPE = '\u001b]0;owned\u0007';

function request(path: string, method = 'GET'): TapShown {
  return {
    source: { ip: '10.1.0.1', port: 40_000, metadata: { deployment: 'web', namespace: 'shop' } },
    destination: { ip: '10.1.0.2', port: 80, metadata: { tls: 'true' } },
    routeMeta: {},
    proxyDirection: 'OUTBOUND',
    requestInitEvent: {
      id: { base: 1, stream: 1 },
      method,
      scheme: 'http',
      authority: 'books',
      path,
      headers: [{ name: 'x-a', valueStr: ESCAPE }],
      version: 'HTTP/1.1',
    },
  };
}

const event = (shown: TapShown): TapLine => ({ type: 'event', event: shown });
const PODS: TapLine = { type: 'pods', listening: 1, leftOut: [] };

describe('weft tap', () => {
  const cluster = new CliCluster();
  let asked: URL[] = [];

  before(() => cluster.start());
  after(() => cluster.stop());
  beforeEach(() => {
    cluster.reset();
    asked = [];
  });

  /** Answers these, and goes on without end. */
  function streams(
    path: string,
    lines: readonly (TapLine | string)[],
    then?: (response: ServerResponse) => void,
  ): void {
    cluster.streams.set(path, (url, response) => {
      asked.push(url);
      for (const line of lines) response.write(typeof line === 'string' ? line : `${JSON.stringify(line)}\n`);
      then?.(response);
    });
  }

  /** ^C, once so much has been written. */
  async function tap(argv: readonly string[], until: (written: string) => boolean) {
    const interrupting = new AbortController();
    let written = '';
    return cluster.run(['tap', ...argv], {
      interrupted: interrupting.signal,
      wrote: (text) => {
        written += text;
        if (until(written)) interrupting.abort();
      },
    });
  }

  const lines = (count: number) => (written: string) => written.split('\n').length > count;

  it('asks for a workload at Linkerd’s path, prints a line for each event, and ends with 0 at ^C', async () => {
    streams(WEB, [PODS, event(request('/a')), event(request('/b'))]);
    const { status, stdout, stderr } = await tap(['deploy/web'], lines(2));
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
    expect(stdout).to.match(
      /^req id=1:1 proxy=out src=10\.1\.0\.1:40000 dst=10\.1\.0\.2:80 tls=true :method=GET .*:path=\/a\n.*\/b\n$/,
    );
    expect(asked[0]!.searchParams.get('maxRps')).to.equal('100');
  });

  it('the flags become parameters, whatever way the resource is written', async () => {
    const flags = [
      ...['--to', 'svc/books', '--to-namespace', 'lib', '--max-rps', '7', '--scheme', 'http', '--method', 'post'],
      ...['--authority', 'books:80', '--path', '/x', '-l', 'tier=front'],
    ];
    streams(WEB, [PODS, event(request('/a'))]);
    await tap(['deployment', 'web', ...flags], lines(1));
    expect(Object.fromEntries(asked[0]!.searchParams)).to.deep.equal({
      maxRps: '7',
      to: 'services/books',
      toNamespace: 'lib',
      scheme: 'http',
      method: 'POST',
      authority: 'books:80',
      path: '/x',
      labelSelector: 'tier=front',
    });
  });

  it('a namespace, all of a kind, and the whole cluster have paths of their own', async () => {
    const cases: [argv: string[], path: string, resource: string | null][] = [
      [['ns/lib'], `${ROOT}/namespaces/lib/tap`, null],
      [['deploy'], `${ROOT}/namespaces/shop/tap`, 'deployments'],
      [['-A', 'sts'], `${ROOT}/tap`, 'statefulsets'],
      [['po/web-1'], `${ROOT}/namespaces/shop/pods/web-1/tap`, null],
    ];
    for (const [argv, path, resource] of cases) {
      streams(path, [PODS, event(request('/a'))]);
      expect((await tap(argv, lines(1))).status, argv.join(' ')).to.equal(0);
      expect(asked.at(-1)!.searchParams.get('resource'), argv.join(' ')).to.equal(resource);
    }
  });

  it('-o json prints each event whole, with header fields; -o jsonpath what is picked; a terminal need not fear either', async () => {
    streams(WEB, [PODS, event(request(`/${ESCAPE}`))]);
    const json = await tap(['deploy/web', '-o', 'json'], (text) => text.endsWith('}\n'));
    expect(JSON.parse(json.stdout)).to.deep.equal(request(`/${ESCAPE}`));
    expect(asked.at(-1)!.searchParams.get('headers')).to.equal('true');
    const picked = await tap(['deploy/web', '-o', 'jsonpath={.requestInitEvent.path}'], lines(1));
    expect(picked.stdout).to.equal('/\\u001b]0;owned\\u0007\n');
    const plain = await tap(['deploy/web', '--headers'], lines(2));
    expect(plain.stdout.split('\n')[1]).to.equal('    x-a: \\u001b]0;owned\\u0007');
    for (const { stdout } of [json, picked, plain]) expect(stdout.replaceAll('\n', '')).not.to.match(/\p{Cc}/u);
  });

  it('says on stderr whom it does not hear, and what is missing', async () => {
    const leftOut = [{ namespace: 'shop', pod: 'web-2', reason: `it is opted out${ESCAPE}` }];
    const missed: TapLine = { type: 'missed', events: 12, pod: 'shop/web-1' };
    streams(WEB, [{ ...PODS, leftOut } as TapLine, missed, event(request('/a'))]);
    const { stderr } = await tap(['deploy/web'], lines(1));
    expect(stderr).to.equal(
      'shop/web-2: it is opted out\\u001b]0;owned\\u0007\n… 12 events are missing of shop/web-1\n',
    );
  });

  it('with nobody to hear it ends with 1, having said why', async () => {
    const leftOut = [{ namespace: 'shop', pod: 'web-1', reason: 'it has no proxy of this mesh' }];
    streams(WEB, [{ type: 'pods', listening: 0, leftOut }], (response) => response.end());
    const { status, stderr } = await tap(['deploy/web'], () => false);
    expect(status).to.equal(1);
    expect(stderr).to.contain('shop/web-1: it has no proxy of this mesh\nno pod can be listened to\n');
  });

  it('a stream that ends, breaks off, or is none, is a failure', async () => {
    const endings: [what: string, lines: (TapLine | string)[], end: (response: ServerResponse) => void][] = [
      ['ends', [PODS], (response) => response.end()],
      ['breaks off', [PODS, '{"type":"ev'], (response) => response.destroy()],
      ['no JSON', ['<html>\n'], (response) => response.end()],
      ['no object', ['7\n'], (response) => response.end()],
    ];
    for (const [what, written, end] of endings) {
      streams(WEB, written, (response) => setImmediate(() => end(response)));
      const { status, stderr } = await tap(['deploy/web'], () => false);
      expect(status, what).to.equal(3);
      expect(stderr, what).to.contain('WEFT_CLI_UNREACHABLE');
    }
  });

  it('lines of a type that is not known are passed over', async () => {
    streams(WEB, ['{"type":"later","x":1}\n', PODS, event(request('/a'))]);
    expect((await tap(['deploy/web'], lines(1))).status).to.equal(0);
  });

  it('what may not be seen, is not there, or is not served is said with its code', async () => {
    const status = (code: number, message: string) => () => ({
      status: code,
      text: JSON.stringify({ kind: 'Status', message, reason: 'x' }),
    });
    const cases: [code: number, message: string, says: string][] = [
      [403, 'deployments/tap.tap.linkerd.io "web" is forbidden', 'WEFT_CLI_FORBIDDEN'],
      [404, 'there are no pods of deployments/web in namespace shop', 'WEFT_CLI_RESOURCE'],
      [404, 'the server could not find the requested resource', 'WEFT_CLI_TAP'],
      [503, 'service unavailable', 'WEFT_CLI_TAP'],
      [400, 'maxRps: must be 1 to 2000', 'WEFT_CLI_API'],
    ];
    for (const [code, message, says] of cases) {
      cluster.answers.set(WEB, status(code, message));
      const result = await tap(['deploy/web'], () => false);
      expect(result.status, says).to.equal(1);
      expect(result.stderr).to.contain(says).and.to.contain(message);
    }
  });

  it('a command line that means nothing is refused before anything is asked', async () => {
    const wrong = [
      ...[[], ['secret/x'], ['-A', 'deploy/web'], ['svc'], ['deploy/web', '--to', 'deploy'], ['deploy/a', 'deploy/b']],
      ...[
        ['deploy/web', '--max-rps', '0'],
        ['deploy/web', '-o', 'yaml'],
      ],
    ];
    for (const argv of wrong) expect((await cluster.run(['tap', ...argv])).status, argv.join(' ')).to.equal(2);
    expect(cluster.asked).to.deep.equal([]);
  });

  describe('weft profile --tap', () => {
    it('makes a route of each method and path that is asked for while it listens', async () => {
      const seen = ['/a?x=1', '/a?x=2', '/b/{c}', '/a'].map((path) => event(request(path)));
      streams(WEB, [PODS, ...seen, event(request('/a', 'POST'))]);
      const { status, stdout } = await cluster.run([
        'profile',
        '--tap',
        'deploy/web',
        '--tap-duration',
        '300ms',
        'web',
      ]);
      expect(status).to.equal(0);
      expect(stdout).to.contain('name: web.shop.svc.cluster.local');
      expect([...stdout.matchAll(/^ {4}name: (.*)$/gm)].map(([, name]) => name)).to.deep.equal([
        'GET /a',
        'GET /b/{c}',
        'POST /a',
      ]);
      expect(stdout).to.contain('pathRegex: /b/\\{c\\}');
      expect(asked[0]!.searchParams.get('direction')).to.equal('inbound');
    });

    it('keeps as many as it may, and says that there were more; without any it fails', async () => {
      streams(WEB, [PODS, ...['/a', '/b', '/c'].map((path) => event(request(path)))]);
      const cut = await cluster.run(['profile', '--tap', 'deploy/web', '--tap-route-limit', '2', 'web']);
      expect(cut.stdout.match(/^ {4}name:/gm)).to.have.length(2);
      expect(cut.stderr).to.contain('more than 2 routes were seen');
      streams(WEB, [PODS]);
      const none = await cluster.run(['profile', '--tap', 'deploy/web', '--tap-duration', '100ms', 'web']);
      expect(none.status).to.equal(1);
      expect(none.stderr).to.contain('WEFT_CLI_PROFILE').and.to.contain('no request was seen');
    });
  });

  it('lengths of time are those of the proxy', () => {
    expect(durationOf(1_500_000)).to.deep.equal({ seconds: 1, nanos: 500_000_000 });
  });
});
