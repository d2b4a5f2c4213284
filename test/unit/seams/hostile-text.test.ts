import { expect } from 'chai';
import { parseServiceProfile } from '../../../crds/kinds/service-profile/parse.ts';
import { EndpointState } from '../../../proxy-image/core/balance/endpoint.ts';
import { renderLabels } from '../../../proxy-image/io/telemetry/labels.ts';
import { sourceFiles } from '../../architecture/sources.ts';
import { compileRaw, injected, meshed, proxyWith, request } from '../../support/inbound.ts';
import { parsePrometheusText } from '../../support/prometheus-text.ts';
import { endpoint, request as facts, route, routeTable } from '../core/fixtures.ts';
import { Bench } from '../telemetry/bench.ts';

/** Of the languages that texts of objects end up in: labels of Prometheus and PromQL, JSON, expressions, selectors, templates, a terminal. */
const HOSTILE = [
  'a"} 1\nrequest_total{x="',
  'a\\',
  'a\\"b',
  'line\nbreak\r\n# TYPE request_total gauge',
  '.*',
  '(?s).*',
  '[^a]+$',
  'a|b',
  '"}[5m])) or vector(1)#',
  '{{ .Values }}$(id)`id`',
  '\u0000\u001b[2J\u009b31m\u2028',
  '__proto__',
  'in (a,b)',
  '!app',
];

describe('E8: texts of objects', () => {
  it('are values of labels and nothing else in metrics: names of routes, and labels of endpoints with their names', () => {
    const bench = new Bench();
    for (const name of HOSTILE) {
      bench.recorder.routeRequest(routeTable(route(name, '/x')).match(facts('GET', '/x')));
      const labels = { namespace: name, [name]: name };
      bench.recorder.outboundRequest('web:80', new EndpointState('10.0.0.1:80', endpoint('10.0.0.1', { labels })));
    }
    // `scrape` reads strictly: a line, a family or a label too many is an error.
    const families = bench.scrape();
    const routes = families.get('route_request_total')!.samples;
    expect(routes.map(({ labels, value }) => [labels['rt_route'], value])).to.deep.equal(
      HOSTILE.map((name) => [name, 1]),
    );
    const spaces = families.get('request_total')!.samples.map(({ labels }) => labels['dst_namespace']);
    expect(spaces).to.deep.equal(HOSTILE);
    expect([...families.keys()]).to.deep.equal([...new Bench().scrape().keys()]);
  });

  it('come out of PromQL’s quotes as they went in', () => {
    for (const text of HOSTILE) {
      const rendered = `# HELP m h\n# TYPE m gauge\nm{${renderLabels([['a', text]])}} 1\n`;
      expect(parsePrometheusText(rendered).get('m')!.samples[0]!.labels['a']).to.equal(text);
    }
  });

  it('are compared, not interpreted, where a selector or an identity is meant', () => {
    const container = { name: 'web', ports: [{ containerPort: 80 }] };
    for (const text of HOSTILE) {
      const selects = { podSelector: { matchLabels: { app: text } }, port: 80 };
      const open = compileRaw({ pod: injected(container), servers: [selects] });
      expect(request(proxyWith(open), 80, 'GET', '/').reason, text).to.equal('authorized');
      const server = { podSelector: {}, port: 80 };
      const client = { meshTLS: { identities: [text] } };
      const closed = compileRaw({
        pod: injected(container),
        servers: [server],
        authorizations: [{ server: { selector: {} }, client }],
      });
      expect(request(proxyWith(closed), 80, 'GET', '/', { peer: meshed() }).allowed, text).to.equal(false);
    }
  });

  it('that are refused are quoted in messages, in one line and cut', () => {
    for (const text of [...HOSTILE, `${'x'.repeat(100_000)}\n`]) {
      const parsed = parseServiceProfile({
        apiVersion: 'linkerd.io/v1alpha2',
        kind: 'ServiceProfile',
        metadata: { name: 'web.shop.svc.cluster.local', namespace: 'shop' },
        spec: { routes: [{ name: 'a', condition: { pathRegex: `(${text}`, method: text } }], [text]: text },
      });
      const messages = parsed.problems.map(({ path, message }) => `${path}: ${message}`);
      expect(messages).not.to.deep.equal([]);
      for (const message of messages) {
        expect(message.length).to.be.below(1_000);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
        expect(message).not.to.match(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      }
    }
  });

  it('are never fetched: who speaks HTTP to others is named here, and takes addresses from nobody’s spec', () => {
    const clients = sourceFiles()
      .filter(({ path }) => /^(?:crds|webhooks|operator|proxy-image)\//.test(path))
      .filter(
        ({ text, packages }) =>
          packages.includes('undici') || /\bfetch\(|\b(?:http|https)\.(?:request|get)\(/.test(text),
      )
      .map(({ path }) => path);
    expect(clients.toSorted()).to.deep.equal([
      // The API server, as the kubeconfig or the ServiceAccount names it.
      'operator/kube/kubeconfig.ts',
      'operator/kube/rest.ts',
      // The admin port of its own pod.
      'proxy-image/io/init/await.ts',
    ]);
  });
});
