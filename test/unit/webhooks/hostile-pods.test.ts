import { expect } from 'chai';
import { inject } from '../../../webhooks/inject/patch.ts';
import { pointer } from '../../../webhooks/json-patch.ts';
import { ALLOWED, encodeReview } from '../../../webhooks/review.ts';
import { injected, injectedWith, injectionInput, webPod } from '../../support/pods.ts';

describe('hostile pods', () => {
  it('E4: a thousand containers are injected once, quickly', () => {
    const containers = Array.from({ length: 1_000 }, (_, i) => ({ name: `c${i}`, ports: [{ containerPort: i + 1 }] }));
    const before = process.cpuUsage();
    const { pod } = injected({ pod: webPod({ spec: { containers } }) });
    expect(process.cpuUsage(before).user / 1_000, 'ms of CPU').to.be.lessThan(1_000);
    expect(pod.spec.containers).to.have.length(1_000);
    expect(pod.spec.initContainers).to.have.length(2);
  });

  it('E4: annotation values of a megabyte are ignored, cut in warnings, and never copied', () => {
    const huge = '8080,'.repeat(200_000);
    const result = injectedWith(
      {},
      {
        namespaceAnnotations: {
          'linkerd.io/inject': 'enabled',
          'config.linkerd.io/opaque-ports': huge,
          'config.linkerd.io/proxy-log-level': huge,
        },
      },
    );
    expect(result.warnings).to.have.length(2);
    expect(JSON.stringify(result.patch).length).to.be.lessThan(10_000);
    for (const warning of result.warnings) expect(warning.length).to.be.lessThan(300);
  });

  it('E4: a pod with a volume of our name is left alone, for it would hold the key of the proxy, and its owner told', () => {
    for (const name of ['linkerd-identity-end-entity', 'linkerd-identity-token', 'weft-api-access']) {
      const volumes = [
        { name: 'data', emptyDir: {} },
        { name, hostPath: { path: '/tmp' } },
      ];
      const result = inject(injectionInput({ pod: webPod({ spec: { volumes } }) }));
      expect(result.patch).to.deep.equal([]);
      expect(result.decision).to.deep.include({ reasons: ['volume_name_taken'] });
      expect(result.warnings.join()).to.contain('not injected').and.contain(name);
    }
  });

  it('E4: a container that is called linkerd-proxy already is left alone, and its owner told', () => {
    const containers = [{ name: 'linkerd-proxy', image: 'attacker/proxy' }];
    const result = inject(injectionInput({ pod: webPod({ spec: { containers } }) }));
    expect(result.patch).to.deep.equal([]);
    expect(result.decision).to.deep.include({ reasons: ['sidecar_already_exists'] });
    expect(result.warnings.join()).to.contain('sidecar');
  });

  it('E4: what an annotation says stays one value of one variable: no newline, no $(...), no template', () => {
    const values = ['v1\nWEFT_PROXY_UID=0', '$(id)', '{{ .Values }}', '"}]},{"op":"remove"', 'a,b\u0000', '../../etc'];
    const names = [
      'proxy-version',
      'proxy-image',
      'proxy-log-level',
      'skip-inbound-ports',
      'skip-subnets',
      'opaque-ports',
      'proxy-cpu-limit',
      'shutdown-grace-period',
      'access-log',
      'image-pull-policy',
    ];
    const clean = JSON.stringify(injected().pod.spec);
    for (const value of values) {
      for (const name of names) {
        const result = injectedWith({ [`config.linkerd.io/${name}`]: value });
        expect(JSON.stringify(result.pod.spec)).to.equal(clean);
        for (const warning of result.warnings) expect(warning).to.match(/^[^\n\0]*$/);
      }
    }
  });

  it('E4: keys with slashes and tildes are escaped in the patch', () => {
    expect(pointer('metadata', 'annotations', 'config.linkerd.io/a~b')).to.equal(
      '/metadata/annotations/config.linkerd.io~1a~0b',
    );
    for (const { path } of inject(injectionInput()).patch) {
      expect(path).to.match(/^(\/([^~/]|~[01])*)+$/);
    }
  });

  it('E4: keys such as __proto__ and constructor are keys like any other', () => {
    const pod = JSON.parse(
      '{"__proto__":{"x":1},"metadata":{"annotations":{"__proto__":"x","constructor":"y"},"labels":{"__proto__":"z"}},' +
        '"spec":{"containers":[{"name":"a","__proto__":{"name":"linkerd-proxy"}}]}}',
    );
    const result = inject(injectionInput({ pod }));
    expect(result.decision.inject).to.equal(true);
    expect(({} as Record<string, unknown>)['x']).to.equal(undefined);
    expect(Object.keys(Object.prototype)).to.deep.equal([]);
  });

  it('E5: a pod on the network of its node is never injected, whatever its annotations', () => {
    const pod = webPod({
      metadata: { annotations: { 'linkerd.io/inject': 'enabled', 'config.linkerd.io/proxy-uid': '0' } },
      spec: { hostNetwork: true },
    });
    expect(inject(injectionInput({ pod })).patch).to.deep.equal([]);
  });

  it('E5: a hundred unknown annotations give sixteen warnings, each at most 256 characters', () => {
    const annotations = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`config.linkerd.io/${'x'.repeat(60)}${i}`, 'y'.repeat(1_000)]),
    );
    const { warnings } = injectedWith(annotations);
    const sent = JSON.parse(encodeReview('u', { ...ALLOWED, warnings }, null)).response.warnings as string[];
    expect(sent).to.have.length(16);
    expect(sent.at(-1)).to.equal('and 85 more');
    for (const text of sent) expect(text.length).to.be.at.most(256);
  });
});
