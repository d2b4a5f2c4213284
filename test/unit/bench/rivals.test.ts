import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { otherRoutes } from '../../bench/contenders/haproxy-routes.ts';
import { fillTemplate } from '../../bench/contenders/templates.ts';
import { readOutput } from '../../bench/load/wrk.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'bench', 'rivals');
const VALUES = {
  LISTEN: '127.0.0.1:4140',
  UPSTREAM: '10.0.0.1:80',
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
    expect(files).to.have.length(7);
    for (const name of files) expect(filled(name), name).to.not.include('${');
    expect(() => fillTemplate('haproxy-hop.cfg', {})).to.throw(/no value for LISTEN/);
  });

  it('give HAProxy one thread and reuse of connections, and no log', () => {
    for (const name of matching(/^haproxy/)) {
      const text = filled(name);
      expect(text, name)
        .to.include('nbthread 1\n')
        .and.include('http-reuse always')
        .and.include('option http-keep-alive');
      expect(text, name).to.not.match(/^\s*(option )?(log|httplog)\b/m);
    }
  });

  it('give nginx one process, kept upstream connections, and no access log', () => {
    for (const name of matching(/^nginx/)) {
      const text = filled(name);
      expect(text, name)
        .to.match(/keepalive 2048;/)
        .and.include('access_log off;')
        .and.include('master_process off;');
      expect(text, name).to.include('proxy_http_version 1.1;').and.include('proxy_set_header Connection "";');
    }
  });

  it('verify the peer on both sides of a pair, with TLS 1.3 and the same cipher', () => {
    expect(filled('haproxy-client.cfg')).to.include('verify required verifyhost server.bench');
    expect(filled('haproxy-server.cfg')).to.include('verify required');
    expect(filled('nginx-client.conf')).to.include('proxy_ssl_verify on;').and.include('proxy_ssl_name server.bench;');
    expect(filled('nginx-server.conf')).to.include('ssl_verify_client on;');
    for (const name of matching(/-(client|server)\./)) {
      expect(filled(name), name)
        .to.include(VALUES.CIPHER)
        .and.match(/ssl-min-ver TLSv1\.3|ssl_protocols TLSv1\.3;/);
    }
  });

  it('give HAProxy as many routes as ours gets', () => {
    expect(otherRoutes(5_000).match(/path_reg/g)).to.have.length(5_000);
    expect(otherRoutes(0)).to.equal('');
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
