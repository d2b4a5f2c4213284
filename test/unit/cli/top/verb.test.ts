import { expect } from 'chai';
import { durationOf, type TapLine, type TapShown } from '../../../../crds/viz/tap.ts';
import { CliCluster } from '../../../support/cli-cluster.ts';

const WEB = '/apis/tap.linkerd.io/v1alpha1/watch/namespaces/shop/deployments/web/tap';

const FLOW = {
  source: { ip: '10.0.0.9', port: 40_000, metadata: { pod: 'voters-1' } },
  destination: { ip: '10.0.0.1', port: 8080, metadata: { pod: 'web-1' } },
  routeMeta: { route_kind: 'ServiceProfile', route_name: 'POST /votes/{pattern}' },
  proxyDirection: 'INBOUND' as const,
};

/** A request with its end. */
function call(stream: number, path: string, httpStatus: number): TapLine[] {
  const id = { base: 1, stream };
  const requestInitEvent = { id, method: 'POST', scheme: 'http', authority: 'web', path, headers: [], version: '1.1' };
  const responseEndEvent: TapShown['responseEndEvent'] = {
    id,
    sinceRequestInit: durationOf(4_000),
    sinceResponseInit: durationOf(0),
    responseBytes: 2,
    trailers: [],
    requestBytes: 0,
    httpStatus,
    end: 'complete',
    retries: 0,
    error: '',
  };
  return [
    { type: 'event', event: { ...FLOW, requestInitEvent } },
    { type: 'event', event: { ...FLOW, responseEndEvent } },
  ];
}

describe('weft top', () => {
  const cluster = new CliCluster();

  before(() => cluster.start());
  after(() => cluster.stop());
  beforeEach(() => cluster.reset());

  /** Answers these lines and ends, or goes on; ^C once a table was printed. */
  async function top(argv: readonly string[], lines: readonly TapLine[], ends = false) {
    const interrupting = new AbortController();
    let asked = '';
    cluster.streams.set(WEB, (url, response) => {
      asked = url.search;
      for (const line of lines) response.write(`${JSON.stringify(line)}\n`);
      if (ends) response.end();
    });
    const result = await cluster.run(['top', ...argv], {
      interrupted: interrupting.signal,
      wrote: () => interrupting.abort(),
    });
    return { ...result, asked };
  }

  const PODS: TapLine = {
    type: 'pods',
    listening: 1,
    leftOut: [{ namespace: 'shop', pod: 'web-2', reason: 'it has no proxy' }],
  };
  const CALLS = [...call(1, '/votes/a?x=1', 200), ...call(2, '/votes/a', 500), ...call(3, '/votes/b', 200)];

  it('prints what passes by source, destination, method and path, says who is not heard, and ends with 0 at ^C', async () => {
    const { status, stdout, stderr, asked } = await top(
      ['deploy/web', '--path', '/votes', '--max-rps', '50'],
      [PODS, ...CALLS],
    );
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: 'shop/web-2: it has no proxy\n' });
    expect(stdout).to.equal(
      [
        'Source    Destination  Method  Path      Count  Best  Worst  Last  Success Rate',
        'voters-1  web-1        POST    /votes/a      2   4ms    4ms   4ms        50.00%',
        'voters-1  web-1        POST    /votes/b      1   4ms    4ms   4ms       100.00%',
        '',
      ].join('\n'),
    );
    expect(asked).to.include('maxRps=50').and.to.include('path=%2Fvotes');
  });

  it('puts sources together, and goes by routes, where that is wanted', async () => {
    const { stdout } = await top(['deploy', 'web', '--hide-sources', '--routes'], [PODS, ...CALLS]);
    expect(stdout).to.equal(
      [
        'Destination  Route                  Count  Best  Worst  Last  Success Rate',
        'web-1        POST /votes/{pattern}      3   4ms    4ms   4ms        66.66%',
        '',
      ].join('\n'),
    );
  });

  it('is a failure where nobody can be listened to, or the control plane ends it', async () => {
    const none = await top(['deploy/web'], [{ ...PODS, listening: 0 }], true);
    expect(none.status).to.equal(1);
    expect(none.stderr).to.include('it has no proxy').and.to.include('no pod can be listened to');
    const ended = await top(['deploy/web'], [{ type: 'pods', listening: 1, leftOut: [] }], true);
    expect(ended.stderr).to.match(/^WEFT_CLI_UNREACHABLE: .*ended the tap/);
  });
});
