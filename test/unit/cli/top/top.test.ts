import type { WriteStream } from 'node:tty';
import { expect } from 'chai';
import type { Context } from '../../../../cli/context.ts';
import { TopRows } from '../../../../cli/top/rows.ts';
import { TopScreen } from '../../../../cli/top/screen.ts';
import { durationOf, type TapShown } from '../../../../crds/viz/tap.ts';

const BY_PATH = { hideSources: false, routes: false };

interface Request {
  stream: number;
  from?: string;
  method?: string;
  path?: string;
  route?: Record<string, string>;
}

interface End {
  us: number;
  status?: number;
  grpc?: number;
  error?: string;
}

function flow(pod: string, route: Record<string, string> = {}): Omit<TapShown, 'requestInitEvent'> {
  return {
    source: { ip: '10.0.0.9', port: 40_000, metadata: pod === '' ? {} : { pod } },
    destination: { ip: '10.0.0.1', port: 8080, metadata: { pod: 'api-1' } },
    routeMeta: route,
    proxyDirection: 'INBOUND',
  };
}

function began({ stream, from = 'web-1', method = 'GET', path = '/', route }: Request): TapShown {
  const id = { base: 1, stream };
  const requestInitEvent = { id, method, scheme: 'http', authority: 'api', path, headers: [], version: '1.1' };
  return { ...flow(from, route), requestInitEvent };
}

function ended(stream: number, { us, status = 200, grpc, error = '' }: End): TapShown {
  const responseEndEvent = {
    id: { base: 1, stream },
    sinceRequestInit: durationOf(us),
    sinceResponseInit: durationOf(0),
    responseBytes: 0,
    trailers: [],
    requestBytes: 0,
    httpStatus: status,
    end: 'complete' as const,
    retries: 0,
    error,
    ...(grpc === undefined ? {} : { grpcStatusCode: grpc }),
  };
  return { ...flow('web-1'), responseEndEvent };
}

describe('the rows of weft top', () => {
  function rowsOf(options: typeof BY_PATH, ...calls: [Request, End][]) {
    const rows = new TopRows(options);
    for (const [request] of calls) rows.add(began(request));
    for (const [{ stream }, end] of calls) rows.add(ended(stream, end));
    return rows.rows();
  }

  it('put together what is alike in source, destination, method and path, the most frequent first', () => {
    const rows = rowsOf(
      BY_PATH,
      [{ stream: 1, path: '/a?x=1' }, { us: 900 }],
      [{ stream: 2, path: '/b', method: 'POST' }, { us: 12_000 }],
      [
        { stream: 3, path: '/b', method: 'POST' },
        { us: 30_000, status: 503 },
      ],
      [{ stream: 4, path: '/b', method: 'POST' }, { us: 20_000 }],
      [{ stream: 5, path: '/b', method: 'POST', from: '' }, { us: 1 }],
    );
    expect(rows.map(({ source, method, path, count }) => [source, method, path, count])).to.deep.equal([
      ['web-1', 'POST', '/b', 3],
      ['web-1', 'GET', '/a', 1],
      ['10.0.0.9', 'POST', '/b', 1],
    ]);
    expect(rows[0]).to.include({ bestUs: 12_000, worstUs: 30_000, lastUs: 20_000, successes: 2 });
  });

  it('call a failure what counts as one: 5xx, the failures among the statuses of gRPC, what broke off', () => {
    const rows = rowsOf(
      { hideSources: true, routes: false },
      [{ stream: 1 }, { us: 1, grpc: 13 }],
      [{ stream: 2 }, { us: 1, grpc: 5 }],
      [{ stream: 3 }, { us: 1, status: 404 }],
      [{ stream: 4 }, { us: 1, status: 500 }],
      [{ stream: 5 }, { us: 1, error: 'connection reset' }],
    );
    expect(rows).to.have.length(1);
    expect(rows[0]).to.include({ count: 5, successes: 2, source: '' });
  });

  it('are of routes where that is wanted', () => {
    const rows = rowsOf(
      { hideSources: true, routes: true },
      [{ stream: 1, path: '/1', route: { route_kind: 'HTTPRoute', route_name: 'books' } }, { us: 1 }],
      [{ stream: 2, path: '/2', route: { route_kind: 'HTTPRoute', route_name: 'books' } }, { us: 1 }],
      [{ stream: 3, path: '/3', route: { route_kind: 'default', route_name: 'http' } }, { us: 1 }],
      [{ stream: 4, path: '/4' }, { us: 1 }],
    );
    expect(rows.map(({ route, count }) => [route, count])).to.deep.equal([
      ['books', 2],
      ['[DEFAULT]', 2],
    ]);
  });

  it('stay within bounds, whatever paths there are and whatever never ends', () => {
    const rows = new TopRows(BY_PATH);
    for (let stream = 0; stream < 3_000; stream++) {
      rows.add(began({ stream, path: `/${stream}` }));
      rows.add(ended(stream, { us: 1 }));
    }
    expect(rows.rows()).to.have.length(1_001);
    expect(rows.rows()[0]).to.include({ path: '…', count: 2_000 });
    for (let stream = 10_000; stream < 35_000; stream++) rows.add(began({ stream, path: '/1' }));
    rows.add(ended(10_000, { us: 1 }));
    rows.add(ended(34_999, { us: 1 }));
    expect(rows.rows().find(({ path }) => path === '/1')!.count).to.equal(2);
  });

  it('do not know what had begun before somebody looked', () => {
    const rows = new TopRows(BY_PATH);
    rows.add(ended(1, { us: 1 }));
    expect(rows.rows()).to.deep.equal([]);
  });
});

describe('the screen of weft top', () => {
  function screenOn(terminal: { columns: number; rows: number } | null) {
    const written: string[] = [];
    const stdout = { write: (text: string) => void written.push(text), terminal: terminal as WriteStream | null };
    const context = { stdout, env: {} } as unknown as Context;
    return { screen: new TopScreen(context, BY_PATH), written };
  }

  it('in a pipe prints a table when it differs, with the columns of Linkerd', () => {
    const { screen, written } = screenOn(null);
    screen.draw();
    screen.add(began({ stream: 1, path: '/votes', method: 'POST' }));
    screen.draw();
    expect(written).to.deep.equal([]);
    screen.add(ended(1, { us: 1_500 }));
    screen.draw();
    screen.draw();
    screen.add(began({ stream: 2, path: '/votes', method: 'POST' }));
    screen.add(ended(2, { us: 2_600_000, status: 500 }));
    screen.draw();
    expect(written).to.deep.equal([
      'Source  Destination  Method  Path    Count  Best  Worst  Last  Success Rate\n' +
        'web-1   api-1        POST    /votes      1   2ms    2ms   2ms       100.00%\n',
      '\nSource  Destination  Method  Path    Count  Best  Worst  Last  Success Rate\n' +
        'web-1   api-1        POST    /votes      2   2ms   2.6s  2.6s        50.00%\n',
    ]);
  });

  it('on a terminal draws in place, cuts what does not fit, and obeys nothing that a path says', () => {
    const { screen, written } = screenOn({ columns: 30, rows: 6 });
    for (let stream = 0; stream < 20; stream++) {
      screen.add(began({ stream, path: `/${stream}\u001b[2J\u009b31m` }));
      screen.add(ended(stream, { us: 1 }));
    }
    screen.note('shop/bare: no proxy\n');
    screen.draw();
    const [text = ''] = written;
    expect(text.split('\n')).to.have.length(5);
    expect(text).to.include('shop/bare: no proxy');
    const own = ['\u001b[2J', '\u001b[H', '\u001b[K', '\u001b[J'];
    const rest = own.reduce((left, sequence) => left.replaceAll(sequence, ''), text);
    expect(rest.replaceAll('\n', '')).not.to.match(/[\p{Cc}]/u);
  });
});
