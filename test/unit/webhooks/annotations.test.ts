import { expect } from 'chai';
import { readInitConfig, readRunConfig } from '../../../proxy-image/config/config.ts';
import { ENVIRONMENT } from '../../../proxy-image/contract/environment.ts';
import { ENTRYPOINT } from '../../../webhooks/inject/containers.ts';
import { type Injected, injected, injectedWith, meshWith, PROXY_IMAGE, variable } from '../../support/pods.ts';

const C = 'config.linkerd.io/';
const OTHER_IMAGE = 'registry.example/other/proxy:v5';

interface Row {
  annotation: string;
  good: [value: string, seen: (result: Injected) => unknown, expected: unknown][];
  bad: string[];
  /** What keeps clients out: a wrong value means the strictest, not what stands behind it. */
  strictest?: [seen: (result: Injected) => unknown, expected: unknown];
}

const inVariable = (name: string) => (result: Injected) => variable(result.proxy, name);
const inInit = (name: string) => (result: Injected) => variable(result.init, name);
const inResources = (result: Injected) => [result.proxy.resources, result.init.resources];

const amounts = (part: 'requests' | 'limits', resource: string): Row['good'] => [
  ['250m', inResources, [{ [part]: { [resource]: '250m' } }, { [part]: { [resource]: '250m' } }]],
  ['1Gi', (result) => result.proxy.resources[part]?.[resource], '1Gi'],
];
const BAD_AMOUNTS = ['', 'lots', '0', '-1', '1e999', '1 Gi', '100m\n'];
const BAD_PORTS = ['absent', '0', '65536', '5-1', '1;2', '80\n81', '$(x)'];
const BAD_SWITCH = ['yes', '', 'Enabled', '1'];

const ROWS: Row[] = [
  {
    annotation: `${C}proxy-version`,
    good: [
      [
        'v9',
        (result) => [result.proxy.image, result.init.image],
        ['localhost/weft-proxy:v9', 'localhost/weft-proxy:v9'],
      ],
      ['v9', (result) => result.pod.metadata.annotations['linkerd.io/proxy-version'], 'v9'],
    ],
    bad: ['', 'a b', 'v1@sha256:0', 'v1/../../x', '-x', 'x'.repeat(129), 'v1\nINJECTED: x'],
  },
  {
    annotation: `${C}proxy-image`,
    good: [
      ['localhost/weft-proxy:v7', (result) => result.proxy.image, 'localhost/weft-proxy:v7'],
      ['localhost/weft-proxy', (result) => result.proxy.image, PROXY_IMAGE],
      [
        `localhost/weft-proxy@sha256:${'a'.repeat(64)}`,
        (result) => result.init.image,
        `localhost/weft-proxy@sha256:${'a'.repeat(64)}`,
      ],
    ],
    bad: ['', OTHER_IMAGE, 'a b', 'http://x/y', 'UPPER/Case', 'x@sha256:short', 'y'.repeat(600)],
  },
  {
    annotation: `${C}image-pull-policy`,
    good: [['Always', (result) => [result.proxy.imagePullPolicy, result.init.imagePullPolicy], ['Always', 'Always']]],
    bad: ['always', '', 'Sometimes'],
  },
  {
    annotation: `${C}skip-inbound-ports`,
    good: [
      ['25, 1000-2000', inInit('SKIP_INBOUND_PORTS'), '25,1000-2000'],
      ['http', inInit('SKIP_INBOUND_PORTS'), '8080'],
      ['', inInit('SKIP_INBOUND_PORTS'), ','],
    ],
    bad: BAD_PORTS,
  },
  {
    annotation: `${C}skip-outbound-ports`,
    good: [['5432', inInit('SKIP_OUTBOUND_PORTS'), '5432']],
    // Ports of others, which this pod has no names for.
    bad: [...BAD_PORTS, 'http'],
  },
  {
    annotation: `${C}skip-subnets`,
    good: [['10.0.0.1/8, fd00::/64', inInit('SKIP_SUBNETS'), '10.0.0.0/8,fd00::/64']],
    bad: ['10.0.0.0/33', 'everything', '10.0.0.0/8; drop', '1.2.3'],
  },
  {
    annotation: `${C}opaque-ports`,
    good: [
      ['5000,6000-6010', inVariable('OPAQUE_PORTS'), '5000,6000-6010'],
      // Linkerd takes the names of container ports too.
      ['http', inVariable('OPAQUE_PORTS'), '8080'],
      ['', inVariable('OPAQUE_PORTS'), ','],
    ],
    bad: ['grpc', '0', '5-1'],
  },
  {
    annotation: `${C}proxy-require-identity-inbound-ports`,
    good: [
      ['8080', inVariable('REQUIRE_IDENTITY_PORTS'), '8080'],
      ['1-65535', inVariable('REQUIRE_IDENTITY_PORTS'), '1-65535'],
      ['http, 9000-9010', inVariable('REQUIRE_IDENTITY_PORTS'), '8080,9000-9010'],
      ['absent', inVariable('REQUIRE_IDENTITY_PORTS'), ''],
    ],
    bad: [...BAD_PORTS.filter((value) => value !== 'absent'), '80,99999', '8080,'.repeat(2_000)],
    strictest: [inVariable('REQUIRE_IDENTITY_PORTS'), '1-65535'],
  },
  {
    annotation: `${C}pod-inbound-ports`,
    good: [['80,8080', (result) => result.pod.metadata.annotations[`${C}pod-inbound-ports`], '80,8080']],
    bad: BAD_PORTS,
  },
  { annotation: `${C}proxy-cpu-request`, good: amounts('requests', 'cpu'), bad: BAD_AMOUNTS },
  { annotation: `${C}proxy-cpu-limit`, good: amounts('limits', 'cpu'), bad: BAD_AMOUNTS },
  { annotation: `${C}proxy-memory-request`, good: amounts('requests', 'memory'), bad: BAD_AMOUNTS },
  { annotation: `${C}proxy-memory-limit`, good: amounts('limits', 'memory'), bad: BAD_AMOUNTS },
  {
    annotation: `${C}proxy-ephemeral-storage-request`,
    good: amounts('requests', 'ephemeral-storage'),
    bad: BAD_AMOUNTS,
  },
  { annotation: `${C}proxy-ephemeral-storage-limit`, good: amounts('limits', 'ephemeral-storage'), bad: BAD_AMOUNTS },
  {
    annotation: `${C}proxy-log-level`,
    good: [
      ['debug', inVariable('LOG_LEVEL'), 'debug'],
      ['off', inVariable('LOG_LEVEL'), 'off'],
      ['trace', inVariable('LOG_LEVEL'), 'debug'],
      ['WARN', inVariable('LOG_LEVEL'), 'warn'],
      // What manifests for Linkerd carry.
      ['warn,linkerd=info,hickory=error', inVariable('LOG_LEVEL'), 'info'],
      ['warn,hickory=error', inVariable('LOG_LEVEL'), 'warn'],
    ],
    bad: ['', 'loud', 'hickory=error', 'info\nWEFT=1'],
  },
  { annotation: `${C}proxy-log-format`, good: [['json', inVariable('LOG_LEVEL'), 'info']], bad: ['plain', ''] },
  {
    annotation: `${C}proxy-uid`,
    good: [
      ['3000', (result) => result.proxy.securityContext.runAsUser, 3000],
      ['3000', inInit('UID'), '3000'],
    ],
    bad: ['0', '-1', '', 'root', '1.5', '4294967296', '0x10', '99999999999'],
  },
  {
    annotation: `${C}proxy-gid`,
    good: [['3000', (result) => result.proxy.securityContext.runAsGroup, 3000]],
    bad: ['0', '-1', 'x'],
  },
  {
    annotation: 'config.weft.dev/relay-probes',
    good: [
      ['enabled', inVariable('RELAYED_PROBES'), undefined],
      ['disabled', inVariable('RELAYED_PROBES'), undefined],
    ],
    bad: ['', 'true', 'Disabled'],
  },
  {
    annotation: `${C}default-inbound-policy`,
    good: [
      'all-authenticated',
      'all-unauthenticated',
      'cluster-authenticated',
      'cluster-unauthenticated',
      'deny',
      'audit',
    ].map((policy) => [policy, inVariable('DEFAULT_INBOUND_POLICY'), policy]),
    bad: ['allow', 'Deny', 'none', ' deny'],
    strictest: [inVariable('DEFAULT_INBOUND_POLICY'), 'deny'],
  },
  {
    annotation: `${C}access-log`,
    good: [
      ['apache', inVariable('ACCESS_LOG'), 'apache'],
      ['json', inVariable('ACCESS_LOG'), 'json'],
      ['', inVariable('ACCESS_LOG'), ''],
    ],
    bad: ['combined', 'on'],
  },
  {
    annotation: `${C}proxy-await`,
    good: [
      ['disabled', (result) => result.proxy.startupProbe, undefined],
      ['enabled', (result) => result.proxy.startupProbe?.httpGet.path, '/ready'],
    ],
    bad: BAD_SWITCH,
  },
  {
    annotation: `${C}proxy-admin-shutdown`,
    good: [
      ['enabled', inVariable('ADMIN_SHUTDOWN'), 'enabled'],
      ['disabled', inVariable('ADMIN_SHUTDOWN'), 'disabled'],
    ],
    bad: BAD_SWITCH,
  },
  {
    annotation: `${C}shutdown-grace-period`,
    good: [
      ['30s', inVariable('SHUTDOWN_GRACE_MS'), '30000'],
      ['2m30s', inVariable('SHUTDOWN_GRACE_MS'), '150000'],
      ['45', inVariable('SHUTDOWN_GRACE_MS'), '45000'],
      ['0', inVariable('SHUTDOWN_GRACE_MS'), '0'],
    ],
    bad: ['', 'soon', '-1s', '25h', '1 m'],
  },
  ...[`${C}`, 'config.beta.linkerd.io/', 'config.alpha.linkerd.io/'].map(
    (prefix): Row => ({
      annotation: `${prefix}proxy-enable-native-sidecar`,
      good: [
        ['false', (result) => result.pod.spec.containers.map(({ name }) => name), ['linkerd-proxy', 'app']],
        ['true', (result) => result.pod.spec.containers.map(({ name }) => name), ['app']],
      ],
      bad: ['', 'maybe', 'off'],
    }),
  ),
  {
    annotation: `${C}inbound-port`,
    good: [
      ['5143', inVariable('INBOUND_LISTEN'), '[::]:5143'],
      ['5143', inInit('INBOUND_LISTEN'), '[::]:5143'],
      ['5143', (result) => result.proxy.ports?.[0], { name: 'linkerd-proxy', containerPort: 5143, protocol: 'TCP' }],
    ],
    bad: ['', '80', 'x', '70000', '4140', '4144', '4190', '4191'],
  },
  {
    annotation: `${C}outbound-port`,
    good: [['5140', inVariable('OUTBOUND_LISTEN'), '127.0.0.1:5140,[::1]:5140']],
    bad: ['', '1023', '4143'],
  },
  {
    annotation: `${C}control-port`,
    good: [
      ['5190', inVariable('TAP_PORT'), '5190'],
      ['5190', inInit('TAP_PORT'), '5190'],
    ],
    bad: ['', '1023', 'x', '4143'],
  },
  {
    annotation: `${C}admin-port`,
    good: [
      ['5191', inVariable('ADMIN_LISTEN'), '[::]:5191'],
      ['5191', (result) => result.proxy.readinessProbe?.httpGet, { path: '/ready', port: 5191 }],
      ['5191', (result) => result.proxy.livenessProbe?.httpGet, { path: '/live', port: 5191 }],
      ['5191', (result) => result.proxy.startupProbe?.httpGet, { path: '/ready', port: 5191 }],
      ['5191', (result) => result.proxy.ports?.[1]?.containerPort, 5191],
    ],
    bad: ['', '100', '4143'],
  },
  {
    annotation: 'config.weft.dev/source',
    good: [
      ['kubernetes', inVariable('CONFIG_SOURCE'), 'kubernetes'],
      ['kubernetes', (result) => result.pod.spec.volumes.map(({ name }) => name).at(-1), 'weft-api-access'],
      [
        'kubernetes',
        (result) => result.proxy.volumeMounts?.at(-1),
        { name: 'weft-api-access', mountPath: ENVIRONMENT.accountDir.fallback, readOnly: true },
      ],
      ['operator', (result) => result.pod.spec.volumes.map(({ name }) => name).at(-1), 'linkerd-identity-token'],
    ],
    bad: ['', 'file', 'Kubernetes'],
  },
];

/** Everything but metadata, which shows the annotation itself. */
function essence({ pod }: Injected): string {
  return JSON.stringify(pod.spec);
}

function fromNamespace(annotation: string, value: string): Injected {
  return injected({ namespaceAnnotations: { 'linkerd.io/inject': 'enabled', [annotation]: value } });
}

describe('injection annotations', () => {
  for (const { annotation, good, bad, strictest } of ROWS) {
    describe(annotation, () => {
      for (const [value, seen, expected] of good) {
        it(`${JSON.stringify(value)} takes effect from the pod`, () => {
          const result = injectedWith({ [annotation]: value });
          expect(seen(result)).to.deep.equal(expected);
          // What bypasses the proxy is said, whoever wants it (D4 in patch.test.ts).
          expect(result.warnings.filter((warning) => !warning.includes(' bypass the proxy: '))).to.deep.equal([]);
        });
        it(`${JSON.stringify(value)} takes effect from the namespace and is shown on the pod`, () => {
          const result = fromNamespace(annotation, value);
          expect(seen(result)).to.deep.equal(expected);
          expect(result.pod.metadata.annotations[annotation]).to.equal(value);
        });
      }

      it('on the pod wins over the namespace', () => {
        const [value, seen, expected] = good[0]!;
        const other = good.findLast(([candidate]) => candidate !== value)?.[0] ?? value;
        const result = injectedWith(
          { [annotation]: value },
          { namespaceAnnotations: { 'linkerd.io/inject': 'enabled', [annotation]: other } },
        );
        expect(seen(result)).to.deep.equal(expected);
      });

      for (const value of bad) {
        const becomes = strictest === undefined ? 'is ignored' : 'means the strictest';
        it(`E5: ${JSON.stringify(value.slice(0, 40))} ${becomes}, with a warning`, () => {
          const result = injectedWith({ [annotation]: value });
          if (strictest === undefined) expect(essence(result)).to.equal(essence(injected()));
          else expect(strictest[0](result)).to.equal(strictest[1]);
          expect(result.warnings).not.to.deep.equal([]);
          for (const warning of result.warnings) expect(warning).not.to.match(/[\n\r]/);
        });
      }

      it('E5: a wrong value on the pod leaves that of the namespace in force, unless it keeps clients out', () => {
        const value = good.find(([candidate]) => candidate !== '')![0];
        const result = injectedWith(
          { [annotation]: bad[1]! },
          { namespaceAnnotations: { 'linkerd.io/inject': 'enabled', [annotation]: value } },
        );
        if (strictest === undefined) expect(essence(result)).to.equal(essence(injectedWith({ [annotation]: value })));
        else expect(strictest[0](result)).to.equal(strictest[1]);
      });
    });
  }

  it('proxy-enable-native-sidecar: stable wins over beta, beta over alpha', () => {
    const stable = `${C}proxy-enable-native-sidecar`;
    const beta = 'config.beta.linkerd.io/proxy-enable-native-sidecar';
    const alpha = 'config.alpha.linkerd.io/proxy-enable-native-sidecar';
    const native = (annotations: Record<string, string>) => injectedWith(annotations).proxy.restartPolicy === 'Always';
    expect(native({ [stable]: 'true', [beta]: 'false', [alpha]: 'false' })).to.equal(true);
    expect(native({ [beta]: 'false', [alpha]: 'true' })).to.equal(false);
    expect(native({ [alpha]: 'false' })).to.equal(false);
  });

  it('proxy-await disabled: a classic container comes last and has no hook', () => {
    const { pod, proxy } = injectedWith({
      [`${C}proxy-enable-native-sidecar`]: 'false',
      [`${C}proxy-await`]: 'disabled',
    });
    expect(pod.spec.containers.map(({ name }) => name)).to.deep.equal(['app', 'linkerd-proxy']);
    expect(proxy.lifecycle).to.equal(undefined);
    expect(ENTRYPOINT[0]).to.match(/^\//);
  });

  it('ports that are not all different are ignored together', () => {
    const result = injectedWith({ [`${C}inbound-port`]: '5000', [`${C}admin-port`]: '5000' });
    expect(essence(result)).to.equal(essence(injected()));
    expect(result.warnings.join()).to.contain('not all different');
  });

  it('a request above the limit is left out, for the API server would refuse the pod', () => {
    const mesh = meshWith({ resources: { cpuRequest: '', cpuLimit: '500m', memoryRequest: '', memoryLimit: '' } });
    const { proxy, warnings } = injectedWith({ [`${C}proxy-cpu-request`]: '2' }, { mesh });
    expect(proxy.resources).to.deep.equal({ limits: { cpu: '500m' } });
    expect(warnings.join()).to.contain('cpu request 2');
  });

  it('a Mesh without an image means the image of the operator; a digest is shown as the version', () => {
    const digest = `sha256:${'b'.repeat(64)}`;
    const { proxy, pod } = injected({ defaultImage: `localhost/weft-proxy@${digest}` });
    expect(proxy.image).to.equal(`localhost/weft-proxy@${digest}`);
    expect(pod.metadata.annotations['linkerd.io/proxy-version']).to.equal(digest);
  });

  it('E5: a pod may choose a version, another repository only through its namespace', () => {
    expect(fromNamespace(`${C}proxy-image`, OTHER_IMAGE).proxy.image).to.equal(OTHER_IMAGE);
    const both = injectedWith(
      { [`${C}proxy-image`]: 'registry.example/other/proxy:v6' },
      { namespaceAnnotations: { 'linkerd.io/inject': 'enabled', [`${C}proxy-image`]: OTHER_IMAGE } },
    );
    expect(both.proxy.image).to.equal('registry.example/other/proxy:v6');
    const alone = injectedWith({ [`${C}proxy-image`]: OTHER_IMAGE });
    expect(alone.warnings.join()).to.contain('only a namespace may name another');
  });

  it('E5: annotations of Linkerd without effect here, and unknown ones, are warned about and change nothing', () => {
    const result = injectedWith({
      [`${C}proxy-additional-env`]: '[{"name":"LD_PRELOAD","value":"/x.so"}]',
      [`${C}enable-debug-sidecar`]: 'true',
      [`${C}debug-image`]: 'evil',
      [`${C}close-wait-timeout`]: '5s',
      [`${C}proxy-memroy-limit`]: '1Gi',
      'config.weft.dev/unheard-of': 'x',
      'example.com/config.linkerd.io': 'theirs',
    });
    expect(essence(result)).to.equal(essence(injected()));
    expect(result.warnings.filter((warning) => warning.endsWith('is not supported and has no effect'))).to.have.length(
      4,
    );
    expect(result.warnings.filter((warning) => warning.endsWith('is not known'))).to.have.length(2);
    expect(result.warnings).to.have.length(6);
  });

  it('every value that takes effect is accepted by the proxy', () => {
    for (const { annotation, good } of ROWS) {
      for (const [value] of good) {
        const { proxy, init } = injectedWith({ [annotation]: value });
        const read = (container: typeof proxy) =>
          Object.fromEntries(container.env.map((entry) => [entry.name, 'value' in entry ? entry.value : 'a']));
        // By the kubelet, in every container.
        const kubelet = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };
        readRunConfig({ ...read(proxy), ...kubelet, WEFT_PROXY_POD_IPS: '10.0.0.1' });
        readInitConfig(read(init));
      }
    }
  });
});
