import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { VERSION } from '../../../../proxy-image/contract/version.ts';
import { inject } from '../../../../webhooks/inject/patch.ts';
import { runCli } from '../../../support/cli.ts';
import { CliCluster } from '../../../support/cli-cluster.ts';
import { applyPatch } from '../../../support/json-patch.ts';
import { ANCHORS, injectionInput, PROXY_IMAGE, webPod } from '../../../support/pods.ts';

const PODS: Readonly<Record<string, Record<string, unknown>>> = {
  'a plain one': webPod(),
  'one with init containers, volumes and annotations': webPod({
    metadata: {
      annotations: { 'linkerd.io/inject': 'enabled', 'config.linkerd.io/proxy-cpu-request': '100m', 'a/b~c': '1' },
    },
    spec: { initContainers: [{ name: 'migrate' }], volumes: [{ name: 'data', emptyDir: {} }] },
  }),
  'one whose proxy is an ordinary container': webPod({
    metadata: { annotations: { 'config.linkerd.io/proxy-enable-native-sidecar': 'false' } },
  }),
  'one with probes that the proxy makes': webPod({
    spec: {
      containers: [
        {
          name: 'app',
          ports: [{ name: 'https', containerPort: 8443 }],
          readinessProbe: { httpGet: { path: '/', port: 'https', scheme: 'HTTPS' }, periodSeconds: 3 },
          livenessProbe: { tcpSocket: { port: 8443 } },
        },
      ],
    },
  }),
  'one without metadata': {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', namespace: 'shop' },
    spec: { containers: [{ name: 'a' }] },
  },
};

describe('weft inject --manual', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-manual-'));
  const anchors = join(folder, 'anchors.pem');
  before(() => writeFileSync(anchors, ANCHORS));
  after(() => rmSync(folder, { recursive: true }));

  const manual = (stdin: string, ...argv: string[]) =>
    runCli(['inject', '--manual', '--trust-anchors-file', anchors, '--proxy-image', PROXY_IMAGE, ...argv, '-'], {
      stdin,
    });

  /** What the webhook makes of a pod whose namespace has no annotation. */
  function byWebhook(pod: Record<string, unknown>): Record<string, unknown> {
    const metadata = pod['metadata'] as { annotations?: Record<string, string> };
    const wanted = {
      ...pod,
      metadata: { ...metadata, annotations: { ...metadata.annotations, 'linkerd.io/inject': 'enabled' } },
    };
    const { patch } = inject(injectionInput({ pod: wanted, namespaceAnnotations: {}, version: VERSION }));
    return applyPatch(wanted, patch) as Record<string, unknown>;
  }

  /** Without what tells `weft uninject` how it was. */
  function withoutRecord(text: string): Record<string, unknown> {
    const pod: { metadata: { annotations: Record<string, string> } } = parse(text);
    delete pod.metadata.annotations['weft.dev/uninject'];
    return pod as unknown as Record<string, unknown>;
  }

  for (const [what, pod] of Object.entries(PODS)) {
    it(`makes of a pod what the webhook makes of it: ${what}`, async () => {
      for (const text of [JSON.stringify(pod), stringify(pod)]) {
        const { status, stdout, stderr } = await manual(text);
        expect(status, stderr).to.equal(0);
        expect(withoutRecord(stdout)).to.deep.equal(byWebhook(pod));
        if (text.startsWith('{')) expect(JSON.parse(stdout)).to.deep.equal(parse(stdout));
      }
    });
  }

  it('makes of a template what the webhook makes of the pods of its owner, and keeps comments', async () => {
    const { metadata: _, ...pod } = webPod();
    const template = { metadata: { labels: { app: 'web' } }, spec: pod['spec'] };
    const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: { template } };
    const text = `# first\n${stringify(deployment).replace('    spec:', '    # of pods\n    spec:')}---\nkind: ConfigMap # last\n`;
    const { status, stdout, stderr } = await manual(text, '-n', 'shop');
    expect(status, stderr).to.equal(0);
    expect(stdout)
      .to.match(/^# first\n/)
      .and.to.match(/\n {4}# of pods\n/)
      .and.to.match(/\n---\nkind: ConfigMap # last\n$/);
    const [made] = parseAllDocuments(stdout).map((document) => document.toJS());
    const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: '', controller: true };
    const expected = byWebhook({ ...template, metadata: { ...template.metadata, ownerReferences: [owner] } }) as {
      metadata: Record<string, unknown>;
    };
    delete expected.metadata['ownerReferences'];
    expect(made.spec.template).to.deep.equal(expected);
    expect(made.spec.template.metadata.labels).to.include({ 'linkerd.io/proxy-deployment': 'web' });
  });

  it('goes by a Mesh, and by the settings of the options', async () => {
    const mesh = join(folder, 'mesh.yaml');
    writeFileSync(
      mesh,
      'apiVersion: weft.dev/v1alpha1\nkind: Mesh\nmetadata: {name: default}\nspec: {clusterDomain: corp.example}\n',
    );
    const { stdout } = await manual(stringify(webPod()), '--mesh', mesh, '--proxy-memory-limit', '64Mi');
    const proxy = parse(stdout).spec.initContainers[1];
    expect(proxy.resources).to.deep.equal({ limits: { memory: '64Mi' } });
    expect(JSON.stringify(proxy.env)).to.include('weft-operator.weft-system.svc.corp.example"');
  });

  it('refuses what it cannot know, and what has its proxy', async () => {
    const bare = 'kind: Pod\napiVersion: v1\nmetadata: {name: a}\nspec: {containers: [{name: a}]}\n';
    expect((await manual(bare)).stderr).to.match(/^WEFT_CLI_USAGE: .*names no namespace/);
    expect((await manual(bare.replace('spec', 'x: &x {}\ny: *x\nspec'), '-n', 'shop')).stderr).to.match(
      /^WEFT_CLI_MANIFEST: .*alias/,
    );
    const without = await runCli(['inject', '--manual', '--ignore-cluster', '-'], { stdin: bare });
    expect(without.stderr).to.match(/^WEFT_CLI_USAGE: .*--trust-anchors-file/);
    expect((await runCli(['inject', '--mesh', 'x', '-'], { stdin: bare })).status).to.equal(2);
    const once = await manual(bare, '-n', 'shop');
    const twice = await manual(once.stdout, '-n', 'shop');
    expect(twice.stdout).to.equal(once.stdout);
    expect(twice.stderr).to.include('skipped: pod has a sidecar');
  });

  describe('where a cluster can be asked', () => {
    const cluster = new CliCluster();
    before(() => cluster.start());
    after(() => cluster.stop());

    const bare = 'kind: Pod\napiVersion: v1\nmetadata: {name: a}\nspec: {containers: [{name: a}]}\n';
    const asked = (...argv: string[]) => cluster.run(['inject', '--manual', ...argv, '-'], { stdin: bare });

    beforeEach(() => {
      cluster.reset();
      const env = [{ name: 'WEFT_OPERATOR_PROXY_IMAGE', value: PROXY_IMAGE }];
      cluster.objects = [
        {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata: { name: 'weft-operator', namespace: 'weft-system' },
          spec: { template: { spec: { containers: [{ name: 'operator', env }] } } },
        },
        {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 'weft-identity-issuer', namespace: 'weft-system' },
          data: { 'ca.crt': Buffer.from(ANCHORS).toString('base64'), 'tls.key': 'bm90IGxvb2tlZCBhdA==' },
        },
        {
          apiVersion: 'weft.dev/v1alpha1',
          kind: 'Mesh',
          metadata: { name: 'default' },
          spec: { clusterDomain: 'corp.example' },
        },
      ];
    });

    it('takes of it what is not given: anchors, image, Mesh, namespace', async () => {
      const { status, stdout, stderr } = await asked();
      expect(status, stderr).to.equal(0);
      const [, proxy] = parse(stdout).spec.initContainers;
      const variable = (name: string) => proxy.env.find((entry: { name: string }) => entry.name === name)?.value;
      expect(proxy.image).to.equal(PROXY_IMAGE);
      expect(variable('WEFT_PROXY_TRUST_ANCHORS')).to.equal(ANCHORS);
      expect(variable('WEFT_PROXY_CONTROL_HOST')).to.equal('weft-operator.weft-system.svc.corp.example');
      expect(variable('WEFT_PROXY_IDENTITY_NAME')).to.match(/^default\.shop\./);
      expect(stdout).not.to.include('bm90IGxvb2tlZCBhdA');
    });

    it('asks nothing where it is told whom to trust', async () => {
      const { status } = await asked('--trust-anchors-file', anchors, '--proxy-image', PROXY_IMAGE, '-n', 'shop');
      expect(status).to.equal(0);
      expect(cluster.asked).to.have.length(0);
    });

    it('says what an installation lacks', async () => {
      cluster.objects = cluster.objects.filter(({ kind }) => kind !== 'Secret');
      expect((await asked()).stderr).to.match(/^WEFT_CLI_NOT_INSTALLED: .*no Secret weft-identity-issuer/);
      cluster.objects = [];
      expect((await asked()).stderr).to.match(/^WEFT_CLI_NOT_INSTALLED: .*no Deployment weft-operator/);
    });
  });
});
