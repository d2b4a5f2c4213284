import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { MANY_ROUTES, manyPathRegexes } from '../../bench/contenders/called-routes.ts';
import { haproxyRoutes } from '../../bench/contenders/haproxy-routes.ts';
import { fillTemplate } from '../../bench/contenders/templates.ts';
import { countOf } from '../../bench/contenders/weft/verify.ts';
import { envoyPath } from '../../bench/host/envoy.ts';
import { readH2load } from '../../bench/load/h2load.ts';
import { readOutput } from '../../bench/load/wrk.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'bench', 'rivals');
const VALUES = {
  LISTEN: '127.0.0.1:4140',
  LISTEN_IP: '127.0.0.1',
  LISTEN_PORT: '4140',
  UPSTREAM: '10.0.0.1:80',
  UPSTREAM_IP: '10.0.0.1',
  UPSTREAM_PORT: '80',
  DIRECTORY: '/tmp/x',
  CERTIFICATE: '/tmp/x/certificate.pem',
  ANCHORS: '/tmp/x/anchors.pem',
  SERVER_NAME: 'server.bench',
  CIPHER: 'TLS_AES_128_GCM_SHA256',
  SMALL: 'x',
  KILOBYTE: 'y',
};

const files = readdirSync(FOLDER).filter((name) => name !== 'README.md');
const filled = (name: string): string => fillTemplate(name, VALUES);
const matching = (pattern: RegExp): string[] => files.filter((name) => pattern.test(name));

describe('configurations of the rivals', () => {
  it('are all filled in', () => {
    expect(files).to.have.length(16);
    for (const name of files) expect(filled(name), name).to.not.include('${');
    expect(() => fillTemplate('haproxy-hop.cfg', {})).to.throw(/no value for LISTEN/);
  });

  it('give HAProxy one thread and reuse of connections, and no log', () => {
    for (const name of matching(/^haproxy/)) {
      const text = filled(name);
      expect(text, name).to.include('nbthread 1\n');
      if (!text.includes('mode tcp'))
        expect(text, name).to.include('http-reuse always').and.include('option http-keep-alive');
      expect(text, name).to.not.match(/^\s*(option )?(log|httplog)\b/m);
    }
  });

  it('give nginx one process, kept upstream connections, and no access log', () => {
    for (const name of matching(/^nginx/)) {
      const text = filled(name);
      expect(text, name).to.include('access_log off;').and.include('master_process off;');
      if (text.includes('stream {')) continue;
      expect(text, name).to.match(/keepalive 2048;/);
      expect(text, name).to.include('proxy_http_version 1.1;').and.include('proxy_set_header Connection "";');
    }
  });

  it('give Envoy the router and nothing else, without a log, a request id or its own headers', () => {
    const http = matching(/^envoy-(?!tcp)/);
    expect(http).to.have.length(4);
    for (const name of http) {
      const { static_resources } = parse(filled(name));
      const [filter, ...more] = static_resources.listeners[0].filter_chains[0].filters;
      expect(more, name).to.have.length(0);
      expect(filter.typed_config).to.include({ generate_request_id: false });
      expect(filter.typed_config).to.not.have.any.keys('access_log', 'tracing');
      const names = filter.typed_config.http_filters.map((one: { name: string }) => one.name);
      expect(names, name).to.deep.equal(['envoy.filters.http.router']);
    }
  });

  it('give all the same HTTP/2: prior knowledge, in and out', () => {
    expect(filled('haproxy-http2.cfg').match(/proto h2/g)).to.have.length(2);
    const { static_resources } = parse(filled('envoy-http2.yaml'));
    const { typed_config } = static_resources.listeners[0].filter_chains[0].filters[0];
    expect(typed_config.codec_type).to.equal('HTTP2');
    const [options] = Object.values(static_resources.clusters[0].typed_extension_protocol_options);
    expect(options).to.have.nested.property('explicit_http_config.http2_protocol_options');
  });

  it('let HAProxy ask the kernel to move bytes only in the file that says so', () => {
    expect(matching(/^haproxy/).filter((name) => /^ *option splice/m.test(filled(name)))).to.deep.equal([
      'haproxy-splice.cfg',
    ]);
  });

  it('verify the peer on both sides of a pair, with TLS 1.3 and the same cipher', () => {
    expect(filled('haproxy-client.cfg')).to.include('verify required verifyhost server.bench');
    expect(filled('haproxy-server.cfg')).to.include('verify required');
    expect(filled('nginx-client.conf')).to.include('proxy_ssl_verify on;').and.include('proxy_ssl_name server.bench;');
    expect(filled('nginx-server.conf')).to.include('ssl_verify_client on;');
    const client = parse(filled('envoy-client.yaml')).static_resources.clusters[0].transport_socket.typed_config;
    expect(client).to.have.nested.property(
      'common_tls_context.validation_context.match_typed_subject_alt_names[0].matcher.exact',
      'server.bench',
    );
    const server = parse(filled('envoy-server.yaml')).static_resources.listeners[0].filter_chains[0].transport_socket;
    expect(server.typed_config.require_client_certificate).to.equal(true);
    for (const { typed_config } of [server, { typed_config: client }]) {
      expect(typed_config.common_tls_context.tls_params.tls_minimum_protocol_version).to.equal('TLSv1_3');
      expect(typed_config.common_tls_context.validation_context.trusted_ca.filename).to.equal(VALUES.ANCHORS);
    }
    // Envoy has no setting for the ciphers of TLS 1.3; its library prefers the same one as ours.
    for (const name of matching(/(haproxy|nginx)-(client|server)\./)) {
      expect(filled(name), name)
        .to.include(VALUES.CIPHER)
        .and.match(/ssl-min-ver TLSv1\.3|ssl_protocols TLSv1\.3;/);
    }
  });

  it('give HAProxy as many routes as ours gets', () => {
    expect(haproxyRoutes({ otherRoutes: 5_000 }).match(/path_reg/g)).to.have.length(5_000);
    expect(haproxyRoutes({ calledRoutes: 'segments' }).match(/path_reg/g)).to.have.length(MANY_ROUTES);
    expect(haproxyRoutes({})).to.equal('');
  });
});

describe('the fifty routes of the called service', () => {
  const matches = (routes: 'segments' | 'alternatives', path: string) =>
    manyPathRegexes(routes).flatMap((regex, index) => (new RegExp(`^${regex}$`).test(path) ? [index] : []));

  it('each take a fiftieth of the paths, and every path by one of them', () => {
    for (const routes of ['segments', 'alternatives'] as const) {
      for (const number of [1, 49, 50, 1234567]) {
        const path = `/api/v${number % MANY_ROUTES}/items/${number}`;
        expect(matches(routes, path), `${routes} ${path}`).to.deep.equal([number % MANY_ROUTES]);
      }
    }
  });
});

describe('what wrk says', () => {
  const output = '  1000 requests in 2.00s, 260.00KB read\nRequests/sec:    500.25\nTransfer/sec:    130.00KB\n';

  it('is read as requests and rate', () => {
    expect(readOutput(output)).to.deep.equal({ requests: 1000, requestsPerSecond: 500.25 });
  });

  it('counts for nothing when a request failed', () => {
    expect(() => readOutput(`${output}  Non-2xx or 3xx responses: 3\n`)).to.throw(/Non-2xx/);
    expect(() => readOutput(`  Socket errors: connect 0, read 1, write 0, timeout 0\n${output}`)).to.throw(/Socket/);
    expect(() => readOutput('  0 requests in 2.00s, 0B read\n')).to.throw(/no answer/);
  });
});

describe('what h2load says', () => {
  const output = `
finished in 1.00s, 30251.00 req/s, 4.57MB/s
requests: 30251 total, 30379 started, 30251 done, 30251 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 30251 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 4.57MB (4795123) total, 590.84KB (605020) headers (space savings 87.01%), 3.69MB (3872128) data
`;

  it('is read as requests and rate', () => {
    expect(readH2load(output)).to.deep.equal({ requests: 30251, requestsPerSecond: 30251 });
  });

  it('counts for nothing when a request failed or was not answered with a success', () => {
    expect(() => readH2load(output.replace('0 failed, 0 errored', '3 failed, 3 errored'))).to.throw(/3 failed/);
    expect(() =>
      readH2load(output.replace('30251 2xx, 0 3xx, 0 4xx, 0 5xx', '30250 2xx, 0 3xx, 0 4xx, 1 5xx')),
    ).to.throw(/1 5xx/);
    expect(() => readH2load(output.replace('0 timeout', '2 timeout'))).to.throw(/2 timed out/);
    expect(() => readH2load('requests: 0 total, 0 started, 0 done, 0 succeeded, 0 failed')).to.throw(/no answer/);
  });
});

describe("our proxy's metrics", () => {
  const metrics = `# TYPE request_total counter
request_total{direction="outbound",tls="true"} 3
request_total{direction="outbound",tls="false"} 4
request_total{direction="inbound",tls="true"} 50
request_total_other{direction="outbound"} 600
`;

  it('are counted over all series with the labels in question', () => {
    expect(countOf(metrics, 'request_total', { direction: 'outbound' })).to.equal(7);
    expect(countOf(metrics, 'request_total', { direction: 'outbound', tls: 'true' })).to.equal(3);
    expect(countOf(metrics, 'request_total', { direction: 'sideways' })).to.equal(0);
  });
});

describe('the place of Envoy', () => {
  it('is in the cache that the local cluster uses too', () => {
    expect(envoyPath({ WEFT_CACHE: '/c' })).to.match(/^\/c\/envoy-[0-9.]+\/envoy\/_bin\/envoy$/);
    expect(envoyPath({ XDG_CACHE_HOME: '/x' })).to.match(/^\/x\/weft\/envoy-/);
  });

  it('is named by the version that is asked for', () => {
    const version = /envoy-([0-9.]+)\//.exec(envoyPath({}))?.[1];
    const requirements = readFileSync(join(FOLDER, '..', 'host', 'envoy-requirements.txt'), 'utf8');
    expect(requirements)
      .to.match(new RegExp(`^envoy-server==${version} `))
      .and.include('--hash=sha256:');
  });
});
