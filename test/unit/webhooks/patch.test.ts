import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { DEFAULT_MESH } from '../../../crds/kinds/mesh/parse.ts';
import { reducePod } from '../../../crds/kinds/pod/parse.ts';
import { readInitConfig, readRunConfig } from '../../../proxy-image/config/config.ts';
import { ENVIRONMENT } from '../../../proxy-image/contract/environment.ts';
import { DEFAULT_OPAQUE_PORTS } from '../../../proxy-image/contract/ports.ts';
import { ENTRYPOINT } from '../../../webhooks/inject/containers.ts';
import { ANCHORS, environmentOf, injected, injectedWith, meshWith, variable, webPod } from '../../support/pods.ts';

function names(containers: readonly { name: string }[] | undefined): string[] {
  return (containers ?? []).map(({ name }) => name);
}

describe('injected pod', () => {
  it('has linkerd-init and the proxy as native sidecar before all other init containers', () => {
    const { pod } = injected({ pod: webPod({ spec: { initContainers: [{ name: 'migrate' }] } }) });
    expect(names(pod.spec.initContainers)).to.deep.equal(['linkerd-init', 'linkerd-proxy', 'migrate']);
    expect(names(pod.spec.containers)).to.deep.equal(['app']);
  });

  it('has an init container that may change rules and nothing else', () => {
    const { init } = injected();
    expect(init).to.deep.include({ image: 'localhost/weft-proxy:v1.2.3', args: ['init'] });
    expect(init.restartPolicy).to.equal(undefined);
    expect(init.securityContext).to.deep.equal({
      allowPrivilegeEscalation: false,
      privileged: false,
      readOnlyRootFilesystem: true,
      seccompProfile: { type: 'RuntimeDefault' },
      capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] },
      runAsGroup: 0,
      runAsNonRoot: false,
      runAsUser: 0,
    });
    expect(names(init.volumeMounts)).to.deep.equal(['linkerd-identity-token']);
  });

  it('has a proxy without rights, with its ports, probes and volumes (F11)', () => {
    const { proxy, pod } = injected();
    expect(proxy).to.deep.include({
      image: 'localhost/weft-proxy:v1.2.3',
      imagePullPolicy: 'IfNotPresent',
      args: ['run'],
      restartPolicy: 'Always',
      terminationMessagePolicy: 'FallbackToLogsOnError',
      resources: {},
      ports: [
        { name: 'linkerd-proxy', containerPort: 4143, protocol: 'TCP' },
        { name: 'linkerd-admin', containerPort: 4191, protocol: 'TCP' },
      ],
      startupProbe: { httpGet: { path: '/ready', port: 4191 }, periodSeconds: 1, failureThreshold: 120 },
      livenessProbe: { httpGet: { path: '/live', port: 4191 }, initialDelaySeconds: 10, timeoutSeconds: 1 },
      readinessProbe: { httpGet: { path: '/ready', port: 4191 }, initialDelaySeconds: 2, timeoutSeconds: 1 },
    });
    expect(proxy.securityContext).to.deep.equal({
      allowPrivilegeEscalation: false,
      privileged: false,
      readOnlyRootFilesystem: true,
      seccompProfile: { type: 'RuntimeDefault' },
      capabilities: { drop: ['ALL'] },
      runAsNonRoot: true,
      runAsUser: 2102,
    });
    expect(proxy.volumeMounts).to.deep.equal([
      { name: 'linkerd-identity-end-entity', mountPath: '/var/run/linkerd/identity/end-entity' },
      { name: 'linkerd-identity-token', mountPath: '/var/run/secrets/tokens', readOnly: true },
      { name: 'linkerd-identity-token', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
    ]);
    expect(pod.spec.volumes).to.deep.equal([
      { name: 'linkerd-identity-end-entity', emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } },
      {
        name: 'linkerd-identity-token',
        projected: {
          sources: [
            {
              serviceAccountToken: {
                path: 'linkerd-identity-token',
                expirationSeconds: 86_400,
                audience: 'identity.l5d.io',
              },
            },
          ],
        },
      },
    ]);
  });

  it('has an environment that the proxy itself accepts', () => {
    const { proxy, init } = injected();
    const config = readRunConfig(environmentOf(proxy));
    expect(config.pod).to.deep.equal({
      name: 'web-7d4b9-x2x',
      namespace: 'shop',
      ips: ['10.1.2.3', 'fd00::3'],
      node: 'node-1',
    });
    expect(config.identity.name).to.equal('web.shop.serviceaccount.identity.linkerd.cluster.local');
    expect(config.identity.trustAnchorsPem).to.equal(ANCHORS.trim());
    expect(config.control).to.deep.equal({
      host: 'weft-operator.weft-system.svc.cluster.local',
      configPort: 8086,
      identityPort: 8080,
      identity: 'weft-operator.weft-system.serviceaccount.identity.linkerd.cluster.local',
    });
    expect(config.inbound.opaquePorts).to.deep.include([3306, 3306]);
    expect(config.shutdown.graceMs).to.equal(120_000);
    expect(readInitConfig(environmentOf(init))).to.deep.include({
      uid: 2102,
      skipInboundPorts: [
        [4567, 4567],
        [4568, 4568],
      ],
    });
  });

  it('names every variable of a redirected proxy', () => {
    const annotations = { 'linkerd.io/inject': 'enabled', 'config.weft.dev/source': 'kubernetes' };
    const containers = [{ name: 'app', image: 'a', livenessProbe: { tcpSocket: { port: 80 } } }];
    const { proxy, init } = injected({ pod: webPod({ metadata: { annotations }, spec: { containers } }) });
    const set = new Set([...proxy.env, ...init.env].map(({ name }) => name));
    const left = Object.values(ENVIRONMENT).filter(({ name }) => !set.has(name));
    expect(left.map(({ name }) => name)).to.deep.equal(['WEFT_PROXY_LOCAL_NETWORK']);
  });

  it('has the labels and annotations that tools look for', () => {
    const { pod } = injected();
    expect(pod.metadata.labels).to.deep.equal({
      app: 'web',
      'pod-template-hash': '7d4b9',
      'linkerd.io/control-plane-ns': 'weft-system',
      'linkerd.io/workload-ns': 'shop',
      'linkerd.io/proxy-deployment': 'web',
    });
    expect(pod.metadata.annotations).to.deep.equal({
      'config.linkerd.io/opaque-ports': DEFAULT_OPAQUE_PORTS,
      'kubectl.kubernetes.io/default-container': 'app',
      'linkerd.io/created-by': 'weft/proxy-injector v1.2.3',
      'linkerd.io/inject': 'enabled',
      'linkerd.io/proxy-version': 'v1.2.3',
      'linkerd.io/trust-root-sha256': createHash('sha256').update(ANCHORS).digest('hex'),
    });
  });

  it('counts as meshed, with its skipped ports, for the compiler', () => {
    const model = reducePod(injectedWith({ 'config.linkerd.io/skip-inbound-ports': '9000-9010' }).pod);
    expect(model.meshed).to.equal(true);
    expect(model.skipInboundPorts).to.deep.equal([[9000, 9010]]);
  });

  for (const [kind, label] of [
    ['StatefulSet', 'linkerd.io/proxy-statefulset'],
    ['DaemonSet', 'linkerd.io/proxy-daemonset'],
    ['Job', 'linkerd.io/proxy-job'],
    ['ReplicationController', 'linkerd.io/proxy-replicationcontroller'],
    ['ReplicaSet', 'linkerd.io/proxy-replicaset'],
  ] as const) {
    it(`of a ${kind} is labelled ${label}`, () => {
      const ownerReferences = [{ kind, name: 'owner', controller: true }];
      const { pod } = injected({ pod: webPod({ metadata: { ownerReferences } }) });
      expect(pod.metadata.labels[label]).to.equal('owner');
    });
  }

  it('gets no label for an owner of another kind, or with a name too long for one', () => {
    for (const owner of [
      { kind: 'Rollout', name: 'web' },
      { kind: 'StatefulSet', name: 'x'.repeat(64) },
    ]) {
      const { pod } = injected({ pod: webPod({ metadata: { ownerReferences: [{ ...owner, controller: true }] } }) });
      const own = Object.keys(pod.metadata.labels).filter((key) => key.startsWith('linkerd.io/proxy-'));
      expect(own).to.deep.equal([]);
    }
  });

  it('without metadata, labels or volumes of its own is patched all the same', () => {
    const { pod } = injected({ pod: { spec: { containers: [{ name: 'app' }], volumes: null, initContainers: null } } });
    expect(pod.metadata.labels['linkerd.io/control-plane-ns']).to.equal('weft-system');
    expect(names(pod.spec.initContainers)).to.deep.equal(['linkerd-init', 'linkerd-proxy']);
    expect(pod.spec.volumes).to.have.length(2);
  });

  it('keeps its own volumes, containers and annotations as they are', () => {
    const volumes = [{ name: 'data', emptyDir: {} }];
    const { pod } = injectedWith({ 'example.com/a~b': '1' }, {});
    expect(pod.metadata.annotations['example.com/a~b']).to.equal('1');
    const other = injected({ pod: webPod({ spec: { volumes } }) }).pod;
    expect(names(other.spec.volumes)).to.deep.equal(['data', 'linkerd-identity-end-entity', 'linkerd-identity-token']);
  });

  it('shows what it inherited from its namespace, valid values only, and never over its own', () => {
    const { pod, warnings } = injectedWith(
      { 'config.linkerd.io/proxy-log-level': 'warn' },
      {
        namespaceAnnotations: {
          'linkerd.io/inject': 'enabled',
          'config.linkerd.io/proxy-log-level': 'debug',
          'config.linkerd.io/skip-outbound-ports': '25',
          'config.linkerd.io/proxy-uid': '0',
          'config.linkerd.io/opaque-ports': '5000',
          'other.example/annotation': 'x',
        },
      },
    );
    expect(pod.metadata.annotations).to.include({
      'config.linkerd.io/proxy-log-level': 'warn',
      'config.linkerd.io/skip-outbound-ports': '25',
      'config.linkerd.io/opaque-ports': '5000',
    });
    expect(pod.metadata.annotations).not.to.have.any.keys('config.linkerd.io/proxy-uid', 'other.example/annotation');
    expect(warnings.join()).to.contain('proxy-uid');
  });

  it('is patched with the same bytes for the same input', () => {
    expect(JSON.stringify(injected().patch)).to.equal(JSON.stringify(injected().patch));
  });

  it('follows the Mesh', () => {
    const mesh = meshWith(
      {
        image: 'registry.example:5000/team/proxy:v9',
        imagePullPolicy: 'Always',
        resources: { cpuRequest: '10m', cpuLimit: '1', memoryRequest: '20Mi', memoryLimit: '100Mi' },
        logLevel: 'error',
        defaultInboundPolicy: 'deny',
        opaquePorts: '',
        skipInboundPorts: '',
        skipOutboundPorts: '6379',
        skipSubnets: '10.9.0.0/16',
        detectTimeoutMs: 2_500,
        maxHeadBytes: 500_000,
        accessLog: 'json',
      },
      { clusterDomain: 'corp.example', clusterNetworks: [], identity: { ...DEFAULT_MESH.identity, suffix: 'east' } },
    );
    const { proxy, init, pod } = injected({ mesh });
    const config = readRunConfig(environmentOf(proxy));
    expect(proxy).to.deep.include({
      image: 'registry.example:5000/team/proxy:v9',
      imagePullPolicy: 'Always',
      resources: { requests: { cpu: '10m', memory: '20Mi' }, limits: { cpu: '1', memory: '100Mi' } },
    });
    expect(config).to.deep.include({ logLevel: 'error', accessLog: 'json', maxHeadBytes: 500_000 });
    expect(config.inbound).to.deep.include({
      policy: 'deny',
      clusterNetworks: [],
      detectTimeoutMs: 2_500,
      opaquePorts: [],
      requireIdentityPorts: [],
    });
    expect(config.control).to.include({
      host: 'weft-operator.weft-system.svc.corp.example',
      identity: 'weft-operator.weft-system.serviceaccount.identity.east',
    });
    expect(config.identity.name).to.equal('web.shop.serviceaccount.identity.east');
    expect(readInitConfig(environmentOf(init))).to.deep.include({
      uid: 2102,
      skipInboundPorts: [],
      skipOutboundPorts: [[6379, 6379]],
      skipSubnets: ['10.9.0.0/16'],
    });
    expect(pod.metadata.annotations['linkerd.io/proxy-version']).to.equal('v9');
    expect(pod.metadata.annotations).not.to.have.property('config.linkerd.io/opaque-ports');
  });

  it('as classic container comes first and is waited for by a hook', () => {
    const { pod, proxy } = injected({ mesh: meshWith({ nativeSidecar: false }) });
    expect(names(pod.spec.initContainers)).to.deep.equal(['linkerd-init']);
    expect(names(pod.spec.containers)).to.deep.equal(['linkerd-proxy', 'app']);
    expect(proxy.restartPolicy).to.equal(undefined);
    expect(proxy.startupProbe).to.equal(undefined);
    expect(proxy.lifecycle).to.deep.equal({ postStart: { exec: { command: [...ENTRYPOINT, 'await'] } } });
  });

  it('names its first own container as the one that kubectl means, unless it says so itself', () => {
    const key = 'kubectl.kubernetes.io/default-container';
    const containers = [
      { name: 'app', image: 'a' },
      { name: 'other', image: 'b' },
    ];
    for (const nativeSidecar of [true, false]) {
      const mesh = meshWith({ nativeSidecar });
      const silent = injected({ pod: webPod({ spec: { containers } }), mesh });
      expect(silent.pod.metadata.annotations[key]).to.equal('app');
      const outspoken = webPod({ metadata: { annotations: { [key]: 'other' } }, spec: { containers } });
      expect(injected({ pod: outspoken, mesh }).pod.metadata.annotations[key]).to.equal('other');
    }
  });

  it('as classic container outlives its application, and waits before it exits where it is told to', () => {
    const key = 'config.alpha.linkerd.io/proxy-wait-before-exit-seconds';
    const shutdownOf = (mesh: ReturnType<typeof meshWith>, seconds: string) => {
      const { proxy, warnings } = injectedWith({ [key]: seconds }, { mesh });
      return { ...readRunConfig(environmentOf(proxy)).shutdown, warnings: warnings.join() };
    };
    const classic = meshWith({ nativeSidecar: false });
    expect(shutdownOf(classic, '20')).to.include({ outlivesApplication: true, waitMs: 20_000, warnings: '' });
    expect(shutdownOf(classic, '0')).to.include({ outlivesApplication: true, waitMs: 0, warnings: '' });
    expect(shutdownOf(classic, '30').warnings).to.contain('is killed after 30 s (terminationGracePeriodSeconds)');
    for (const wrong of ['', '-1', '1.5', '10s', '86401', 'x']) {
      expect(shutdownOf(classic, wrong)).to.include({ waitMs: 0 });
      expect(shutdownOf(classic, wrong).warnings).to.contain(`annotation ${key} of the workload is ignored`);
    }
    const native = shutdownOf(meshWith({ nativeSidecar: true }), '20');
    expect(native).to.include({ outlivesApplication: false, waitMs: 0 });
    expect(native.warnings).to.contain('has no effect on a native sidecar');
  });

  it('names the program that the image starts', () => {
    const dockerfile = readFileSync(new URL('../../../proxy-image/Dockerfile', import.meta.url), 'utf8');
    expect(dockerfile).to.contain(`ENTRYPOINT ${JSON.stringify(ENTRYPOINT).replaceAll(',', ', ')}`);
  });

  it('whose account has no name of one label is warned about', () => {
    expect(injected({ pod: webPod({ spec: { serviceAccountName: 'a.b' } }) }).warnings.join()).to.contain('"a.b"');
    const anonymous = injected({ pod: webPod({ spec: { serviceAccountName: undefined } }) });
    expect(variable(anonymous.proxy, 'IDENTITY_NAME')).to.match(/^default\.shop\./);
  });

  it('D3: with a container that can leave the mesh is warned about', () => {
    for (const [container, said] of [
      [{ securityContext: { runAsUser: 2102 } }, 'runs as user 2102'],
      [{ securityContext: { privileged: true } }, 'privileged'],
      [{ securityContext: { capabilities: { add: ['NET_ADMIN'] } } }, 'NET_ADMIN'],
      [{ securityContext: { capabilities: { add: ['ALL'] } } }, 'NET_ADMIN'],
    ] as const) {
      const { warnings, patch } = injected({ pod: webPod({ spec: { containers: [{ name: 'sly', ...container }] } }) });
      expect(warnings.join()).to.contain('"sly"').and.contain(said);
      expect(patch).not.to.deep.equal([]);
    }
    const pod = webPod({ spec: { securityContext: { runAsUser: 2102 } } });
    expect(injected({ pod }).warnings.join()).to.contain('runs as user 2102');
    expect(injected().warnings).to.deep.equal([]);
  });

  it('D4: whose own annotations leave ports or networks out is warned about, those of the Mesh are no news', () => {
    const skipped = {
      'config.linkerd.io/skip-inbound-ports': '9000-9010,http',
      'config.linkerd.io/skip-outbound-ports': '5432',
      'config.linkerd.io/skip-subnets': '10.0.0.0/8',
    };
    const said = [
      'inbound ports "9000-9010,8080" bypass the proxy: no identity, no encryption, no policy',
      'inbound connections from "10.0.0.0/8" bypass the proxy: no identity, no encryption, no policy',
      'outbound ports "5432" bypass the proxy: no identity, no encryption',
    ];
    const ofPod = injectedWith(skipped);
    expect(ofPod.warnings).to.have.members(said);
    const namespaceAnnotations = { 'linkerd.io/inject': 'enabled', ...skipped };
    expect(injected({ namespaceAnnotations }).warnings).to.have.members(said);
    // The compiler knows it too: nobody is told that such a port has an identity.
    expect(reducePod(ofPod.pod).skipInboundPorts).to.deep.include([9000, 9010]);
    expect(injected().warnings).to.deep.equal([]);
    const mesh = meshWith({ skipInboundPorts: '25,7000', skipOutboundPorts: '25', skipSubnets: '10.0.0.0/8' });
    expect(injected({ mesh }).warnings).to.deep.equal([]);
    const same = { 'config.linkerd.io/skip-outbound-ports': '25', 'config.linkerd.io/skip-inbound-ports': '' };
    const pod = webPod({ metadata: { annotations: { 'linkerd.io/inject': 'enabled', ...same } } });
    expect(injected({ mesh, pod }).warnings).to.deep.equal([]);
    const all = injectedWith({ 'config.linkerd.io/skip-inbound-ports': '1-65535' }).warnings;
    expect(all.join()).to.contain('"1-65535" bypass the proxy');
  });

  it('of mode ingress is injected as usual, with a warning', () => {
    const { warnings, patch } = injectedWith({ 'linkerd.io/inject': 'ingress' });
    expect(patch).not.to.deep.equal([]);
    expect(warnings.join()).to.contain('ingress is not supported yet');
  });
});
