import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import { changes } from '../../../cli/install/difference.ts';
import { type KubeObject, keyOf, nameOf } from '../../../cli/install/object.ts';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { ROOT } from '../../../hack/packages/files.ts';
import { findRenderer, rendered } from '../../../hack/packages/render.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { runCli } from '../../support/cli.ts';
import { eventually } from '../../support/eventually.ts';
import { AuditLog, grantedTo, unused } from '../operator/audit.ts';
import { kubeconfigText, Plane } from '../operator/plane.ts';
import { objectsOf } from './objects.ts';

/** What depends on the cluster, belongs to whoever scales, or is an older name of another field: it cannot stand in what is applied. `spec` of a namespace has finalizers. */
const OF_THE_CLUSTER =
  /^spec(?:$|\.(?:clusterIPs?|ipFamil|internalTrafficPolicy|replicas$|template\.spec\.serviceAccount$))/;

const WEBHOOKS = ['mutatingwebhookconfiguration/weft-injector', 'validatingwebhookconfiguration/weft-validator'];

/** As it stands in Git before and after a commit that asks for a rotation. */
function rotatedMesh(value: string): KubeObject {
  const spec = { identity: { rotation: { anchor: value, issuer: value, leaf: value } } };
  return { apiVersion: 'weft.dev/v1alpha1', kind: 'Mesh', metadata: { name: 'default' }, spec };
}

describe('packages at a real API server', function () {
  this.timeout(120_000);
  const directory = mkdtempSync(join(tmpdir(), 'weft-packages-'));
  const audit = new AuditLog(directory);
  let api: TestApiServer;
  let program: string;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    program = await findRenderer();
    api = await startApiServer({ apiServerArguments: audit.apiServerArguments });
  });

  after(async () => {
    await api?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  function kubectl(args: readonly string[], input = ''): Promise<string> {
    return new Promise((resolve, reject) => {
      const argv = ['--kubeconfig', api.kubeconfigPath, ...args];
      const child = execFile(api.kubectlPath, argv, { maxBuffer: 64_000_000 }, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(stderr));
      });
      child.stdin?.end(input);
    });
  }

  const list = (items: readonly KubeObject[]) => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  const read = (text: string) => (JSON.parse(text) as { items: KubeObject[] }).items;
  const apply = async (objects: readonly KubeObject[], manager: string, ...more: string[]) => {
    const argv = ['apply', '--server-side', `--field-manager=${manager}`, '-o', 'json', ...more, '-f', '-'];
    return read(await kubectl(argv, list(objects)));
  };
  const live = async (objects: readonly KubeObject[]) =>
    read(await kubectl(['get', '-o', 'json', '-f', '-'], list(objects)));
  /** As Flux and Argo CD see it: what a dry run of the same would change. */
  const drift = async (objects: readonly KubeObject[], manager: string) => {
    const before = new Map((await live(objects)).map((object) => [keyOf(object), object]));
    const after = await apply(objects, manager, '--dry-run=server');
    return after.flatMap((object) =>
      changes(before.get(keyOf(object)) ?? null, object).map(({ path }) => `${nameOf(object)}: ${path}`),
    );
  };

  async function chart(values: object): Promise<{ definitions: KubeObject[]; controlPlane: KubeObject[] }> {
    const [[crds], [weft]] = await Promise.all([
      rendered(program, join(ROOT, 'charts', 'weft-crds'), [{}]),
      rendered(program, join(ROOT, 'charts', 'weft'), [values as Record<string, unknown>]),
    ]);
    return { definitions: objectsOf(crds!), controlPlane: objectsOf(weft!) };
  }

  it('charts are applied by one tool, and a dry run of it and of another finds no difference', async () => {
    const { definitions, controlPlane } = await chart({});
    await apply(definitions, 'kustomize-controller');
    await kubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']);
    const namespaces = controlPlane.filter(({ kind }) => kind === 'Namespace');
    await apply(namespaces, 'kustomize-controller');
    await apply(controlPlane, 'kustomize-controller');
    const all = [...definitions, ...controlPlane];
    for (const manager of ['kustomize-controller', 'argocd-controller']) {
      expect(await drift(all, manager), manager).to.deep.equal([]);
    }
  });

  it('… nor when the operator has run, and has rotated what a field asked for: what it makes is not in the charts, and what is in the charts it leaves alone', async () => {
    const [git, again] = [rotatedMesh('1'), rotatedMesh('2')];
    const { definitions, controlPlane } = await chart({});
    await apply([git], 'kustomize-controller');
    const plane = await new Plane(api, 'op-0', { flags: ['--definitions-dir', ''] }).start();
    try {
      await plane.ready(30_000);
      await eventually(
        'it has made what it makes',
        // kubectl fails while one of them is not there.
        () => kubectl(['-n', 'weft-system', 'get', ...WEBHOOKS, 'secret/weft-identity-issuer']).catch(() => null),
        30_000,
      );
      await apply([again], 'kustomize-controller');
      await kubectl(['wait', '--for=jsonpath={.status.rotation.anchor}=2', '--timeout=60s', 'mesh/default']);
      await kubectl(['wait', '--for=jsonpath={.status.rotation.phase}=Done', '--timeout=60s', 'mesh/default']);
    } finally {
      await plane.stop();
    }
    for (const manager of ['kustomize-controller', 'argocd-controller']) {
      expect(await drift([...definitions, ...controlPlane, again], manager), manager).to.deep.equal([]);
    }
    // With nobody behind them they would refuse what the tests below apply.
    await kubectl(['delete', 'mesh/default', ...WEBHOOKS]);
  });

  for (const values of [{ ha: true }, { operator: { split: true }, networkPolicy: { enabled: true } }]) {
    it(`charts with other values in their place, ${JSON.stringify(values)}: no difference either`, async () => {
      const { controlPlane } = await chart(values);
      await apply(controlPlane, 'kustomize-controller');
      for (const manager of ['kustomize-controller', 'argocd-controller']) {
        expect(await drift(controlPlane, manager), manager).to.deep.equal([]);
      }
    });
  }

  it('charts with the values that they had before: no difference', async () => {
    const { controlPlane } = await chart({});
    await apply(controlPlane, 'kustomize-controller');
    expect(await drift(controlPlane, 'argocd-controller')).to.deep.equal([]);
  });

  it('charts say every default that the API server would fill in', async () => {
    const { definitions, controlPlane } = await chart({});
    const wanted = new Map([...definitions, ...controlPlane].map((object) => [keyOf(object), object]));
    const filled = (await live([...wanted.values()])).flatMap((object) =>
      changes(wanted.get(keyOf(object)) ?? null, object)
        .map(({ path }) => path)
        .filter((path) => !path.startsWith('metadata.') && !OF_THE_CLUSTER.test(path))
        .map((path) => `${nameOf(object)}: ${path}`),
    );
    expect(filled).to.deep.equal([]);
  });

  it('helm test reads what weft check reads, by rights of its own: none is missing, and none unused', async () => {
    const account = 'weft-check';
    const [rendering] = await rendered(program, join(ROOT, 'charts', 'weft'), [{}]);
    const text = rendering?.manifests?.['weft/templates/tests/check.yaml'] ?? '';
    const objects = parseAllDocuments(text).map((document) => document.toJS() as KubeObject);
    const pod = objects.find(({ kind }) => kind === 'Pod')!;
    await kubectl(['create', 'namespace', 'kube-node-lease']).catch(() => undefined);
    const spec = { identity: { issuer: { type: 'Secret' } } };
    const mesh = { apiVersion: 'weft.dev/v1alpha1', kind: 'Mesh', metadata: { name: 'default' }, spec };
    await apply([mesh, ...objects], 'helm');
    const token = (await kubectl(['-n', 'weft-system', 'create', 'token', account])).trim();
    const kubeconfig = join(directory, 'kubeconfig.json');
    writeFileSync(kubeconfig, kubeconfigText(api, token));
    const { args } = (pod['spec'] as { containers: [{ args: string[] }] }).containers[0];
    const [verb = '', ...flags] = args.filter((flag) => !['--wait', '2m'].includes(flag));
    const { stdout } = await runCli([verb, ...flags, '-o', 'json'], { env: { KUBECONFIG: kubeconfig } });
    expect(stdout).to.contain('"categories"').and.not.to.contain('could not be looked at');
    const asked = audit.read().filter((one) => one.account === account);
    expect(asked.filter(({ isAllowed }) => !isAllowed)).to.deep.equal([]);
    expect(unused(grantedTo(account, objects), asked)).to.deep.equal([]);
  });

  it('a kustomization is taken for the same installation as the chart, and so is what weft install prints', async () => {
    const built = await kubectl(['kustomize', join(ROOT, 'kustomize', 'base')]);
    const printed = await kubectl(['apply', '--server-side', '--field-manager=argocd-controller', '-f', '-'], built);
    expect(printed).to.contain('deployment.apps/weft-operator serverside-applied');
    const { definitions, controlPlane } = await chart({});
    expect(await drift([...definitions, ...controlPlane], 'kustomize-controller')).to.deep.equal([]);
  });
});
