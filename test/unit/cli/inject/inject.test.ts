import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse, parseAllDocuments } from 'yaml';
import { podOf, roleOf } from '../../../../cli/inject/workloads.ts';
import { runCli } from '../../../support/cli.ts';
import { injected } from '../../../support/pods.ts';

const DEPLOYMENT = `# The front.
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}   # two labels are enough
spec:
    replicas: 0x2
    template:
        metadata:
            # Selected by the Service.
            labels:
                app: "web"
        unknown: [ kept,
                   as it is ]
        spec:
            containers:
            - name: app   # ours
              image: 'example/web:1'


# the end
`;

const INJECTED = DEPLOYMENT.replace(
  `        metadata:
`,
  `        metadata:
            annotations:
              linkerd.io/inject: enabled
`,
);

const WORKLOADS: readonly (readonly [version: string, kind: string])[] = [
  ['apps/v1', 'Deployment'],
  ['apps/v1', 'StatefulSet'],
  ['apps/v1', 'DaemonSet'],
  ['apps/v1', 'ReplicaSet'],
  ['extensions/v1beta1', 'Deployment'],
  ['batch/v1', 'Job'],
  ['v1', 'ReplicationController'],
];
const POD_SPEC = { containers: [{ name: 'app', image: 'example/web:1' }] };

function workload(version: string, kind: string, template: object = { spec: POD_SPEC }): object {
  return { apiVersion: version, kind, metadata: { name: 'web' }, spec: { template } };
}

const inject = (stdin: string, ...argv: string[]) => runCli(['inject', ...argv, '-'], { stdin });
const annotationsOf = (object: unknown, ...path: string[]) =>
  path.reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], object);

describe('weft inject', () => {
  it('adds the annotation to the template of the pods, and changes not a character beside it', async () => {
    const { status, stdout, stderr } = await inject(DEPLOYMENT);
    expect(status).to.equal(0);
    expect(stdout).to.equal(INJECTED);
    expect(stderr).to.equal('\ndeployment "web" injected\n\n');
  });

  it('is done once: what has the annotation is as it was', async () => {
    expect((await inject(INJECTED)).stdout).to.equal(INJECTED);
    const ingress = INJECTED.replace('inject: enabled', 'inject: ingress');
    expect((await inject(ingress)).stdout).to.equal(ingress);
    expect((await inject(INJECTED, '--ingress')).stdout).to.equal(ingress);
  });

  it('knows every kind that makes pods, and the webhook injects what it annotates', async () => {
    const cron = {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'web' },
      spec: { jobTemplate: { spec: { template: { metadata: null, spec: POD_SPEC } } } },
    };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec: POD_SPEC };
    const objects = [...WORKLOADS.map(([version, kind]) => workload(version, kind)), cron, pod];
    for (const object of objects) {
      const { stdout, stderr } = await inject(JSON.stringify(object));
      const output: unknown = JSON.parse(stdout);
      const role = roleOf(output);
      if (role.type !== 'pods') throw new Error(stderr);
      const made = podOf(output, role.path);
      expect(stderr).to.match(/^\n[a-z]+ "web" injected\n\n$/);
      expect(annotationsOf(made, 'metadata', 'annotations')).to.deep.equal({ 'linkerd.io/inject': 'enabled' });
      expect(injected({ pod: made, namespaceAnnotations: {} }).decision.inject, stderr).to.equal(true);
    }
  });

  it('goes through documents and lists, and leaves everything else', async () => {
    const text = `---
# nothing but this comment
---
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: c}
- apiVersion: v1
  kind: Pod
  metadata:
    name: one
  spec: {containers: [{name: a}]}
- kind: Service
  apiVersion: v1
  metadata:
    name: web
...
---
just: text
`;
    const { stdout, stderr } = await inject(text);
    expect(stdout).to.equal(
      text
        .replace('  name: shop\n', '  annotations:\n    linkerd.io/inject: enabled\n  name: shop\n')
        .replace('    name: one\n', '    annotations:\n      linkerd.io/inject: enabled\n    name: one\n'),
    );
    expect(stderr.trim().split('\n')).to.deep.equal([
      'namespace "shop" injected',
      'configmap "c" skipped: it makes no pods',
      'pod "one" injected',
      'service "web" skipped: a Service needs no annotation',
      'document skipped: it has no kind',
    ]);
  });

  it('leaves pods that cannot have a proxy, or do not want one, and says why', async () => {
    const no = { metadata: { annotations: { 'linkerd.io/inject': 'disabled' } }, spec: POD_SPEC };
    const skipped: [object, RegExp][] = [
      [workload('apps/v1', 'Deployment', { spec: { ...POD_SPEC, hostNetwork: true } }), /: hostNetwork is enabled$/m],
      [workload('apps/v1', 'Deployment', no), /inject: disabled$/m],
      [workload('apps/v1', 'Deployment', { spec: { containers: [{ name: 'istio-proxy' }] } }), /has a sidecar/],
      [workload('apps/v1', 'Deployment', {}), /this kind of object is not injected$/m],
      [workload('example.com/v1', 'Deployment'), /it makes no pods$/m],
      [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'web', ...no.metadata } }, /inject: disabled$/m],
    ];
    for (const [object, why] of skipped) {
      const text = JSON.stringify(object);
      const { status, stdout, stderr } = await inject(text);
      expect({ status, stdout }).to.deep.equal({ status: 0, stdout: text });
      expect(stderr)
        .to.match(/^\n[a-z]+ "web" skipped: /)
        .and.to.match(why);
    }
  });

  it('shows no characters that a terminal would obey', async () => {
    const hostile = JSON.stringify({ kind: 'Po\u001b[2Jd', metadata: { name: 'a\u009b31m' } });
    const { stdout, stderr } = await inject(hostile);
    expect(stdout).to.equal(hostile);
    expect(stderr).to.equal('\n"po\\u001b[2jd" "a\\u009b31m" skipped: it makes no pods\n\n');
  });

  it('warns of traffic that no proxy sees, and of an input without objects', async () => {
    const udp = { spec: { containers: [{ name: 'dns', ports: [{ containerPort: 53, protocol: 'UDP' }] }] } };
    expect((await inject(JSON.stringify(workload('apps/v1', 'Deployment', udp)))).stderr).to.equal(
      '\n‼ deployment/web uses "protocol: UDP", which bypasses the proxy\n\ndeployment "web" injected\n\n',
    );
    expect((await inject('')).stderr).to.equal('\n‼ there is no object in the input\n\n');
  });

  it("sets what Linkerd's options set, and on Services the ports that are opaque", async () => {
    const service = '---\napiVersion: v1\nkind: Service\nmetadata:\n  name: db\n';
    const argv = ['--opaque-ports', '3306,mysql', '--proxy-cpu-request=100m', '--native-sidecar'];
    const { stdout, stderr } = await inject(DEPLOYMENT + service, ...argv);
    const [deployment, second] = parseAllDocuments(stdout).map((document) => document.toJS());
    expect(annotationsOf(deployment, 'spec', 'template', 'metadata', 'annotations')).to.deep.equal({
      'linkerd.io/inject': 'enabled',
      'config.linkerd.io/opaque-ports': '3306,mysql',
      'config.linkerd.io/proxy-cpu-request': '100m',
      'config.linkerd.io/proxy-enable-native-sidecar': 'true',
    });
    expect(annotationsOf(second, 'metadata', 'annotations')).to.deep.equal({
      'config.linkerd.io/opaque-ports': '3306,mysql',
    });
    expect(stderr).to.include('service "db" annotated');
  });

  it('refuses a value that the webhook would pass over', async () => {
    for (const argv of [
      ['--proxy-cpu-request', 'much'],
      ['--default-inbound-policy', 'all'],
      ['--admin-port', '0'],
      ['--access-log', 'xml'],
    ]) {
      const { status, stdout, stderr } = await inject(DEPLOYMENT, ...argv);
      expect({ status, stdout }, argv.join(' ')).to.deep.equal({ status: 2, stdout: '' });
      expect(stderr).to.match(/^WEFT_CLI_USAGE: /);
    }
  });

  it('says where a text is no YAML, or shares what it would have to change, and prints nothing', async () => {
    const wrong: [string, RegExp][] = [
      [`${DEPLOYMENT}---\na: [b\n`, /stdin:2[23]: ".*flow/i],
      [
        DEPLOYMENT.replace('        metadata:', '        metadata: &m').replace(
          'unknown:',
          'other: *m\n        unknown:',
        ),
        /alias/,
      ],
      ['kind: Pod\napiVersion: v1\nmetadata: text\nspec: {containers: [{name: a}]}\n', /metadata is no map/],
    ];
    for (const [text, words] of wrong) {
      const { status, stdout, stderr } = await inject(text);
      expect({ status, stdout }).to.deep.equal({ status: 1, stdout: '' });
      expect(stderr)
        .to.match(/^WEFT_CLI_MANIFEST: /)
        .and.to.match(words);
    }
  });
});

describe('inputs of weft inject', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-inject-'));
  const pod = (name: string) =>
    `apiVersion: v1\nkind: Pod\nmetadata:\n  name: ${name}\nspec: {containers: [{name: a}]}`;
  const names = (text: string) => parseAllDocuments(text).map((document) => parse(String(document)).metadata.name);

  before(() => {
    mkdirSync(join(folder, 'all', 'deeper'), { recursive: true });
    writeFileSync(join(folder, 'one.yaml'), pod('one'));
    writeFileSync(join(folder, 'all', 'b.yml'), `${pod('b')}\n`);
    writeFileSync(join(folder, 'all', 'a.json'), JSON.stringify(parse(pod('a'))));
    writeFileSync(join(folder, 'all', 'deeper', 'c.yaml'), `---\n${pod('c')}`);
    writeFileSync(join(folder, 'all', 'README.md'), 'no: [manifest');
  });
  after(() => rmSync(folder, { recursive: true }));

  it('are files, folders with all that lies below, and stdin, as one stream of documents', async () => {
    const { status, stdout, stderr } = await runCli(['inject', 'one.yaml', 'all', '-'], {
      cwd: folder,
      stdin: pod('last'),
    });
    expect(status).to.equal(0);
    expect(names(stdout)).to.deep.equal(['one', 'a', 'b', 'c', 'last']);
    expect(stderr.match(/ injected$/gm)).to.have.length(5);
  });

  it('are URLs', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/pod.yaml') response.end(pod('far'));
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    const url = `http://localhost:${(server.address() as AddressInfo).port}`;
    const found = await runCli(['inject', `${url}/pod.yaml`]);
    const missing = await runCli(['inject', `${url}/nothing`]);
    server.close();
    server.closeAllConnections();
    expect(names(found.stdout)).to.deep.equal(['far']);
    expect(missing).to.include({ status: 1, stdout: '' });
    expect(missing.stderr).to.match(/^WEFT_CLI_INPUT: .*nothing: .*404/);
  });

  it('that are not there, or hold no manifest, are an error', async () => {
    mkdirSync(join(folder, 'empty'));
    for (const name of ['absent.yaml', 'empty']) {
      const result = await runCli(['inject', name], { cwd: folder });
      expect(result).to.include({ status: 1, stdout: '' });
      expect(result.stderr).to.match(new RegExp(`^WEFT_CLI_INPUT: .*${name}`));
    }
    expect((await runCli(['inject'])).status).to.equal(2);
  });
});
