import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { parse, parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../cli/install/object.ts';
import { freePort } from '../../hack/apiserver/process.ts';
import { startApiServer, type TestApiServer } from '../../hack/apiserver/server.ts';
import { RestClient } from '../../operator/kube/rest.ts';
import { NamespacedSecrets } from '../../operator/kube/secrets.ts';
import { createAnchor, createIssuer } from '../../operator/pki/authority.ts';
import { ANCHOR_SECRET, ISSUER_SECRET, toSecret, WEBHOOK_AUTHORITY_SECRET } from '../../operator/pki/secrets.ts';
import { systemClock } from '../../operator/runtime/clock.ts';
import { shippedChecks } from '../integration/gitops/checks.ts';
import { BUILD_LIMIT_MS, Judge } from '../integration/gitops/judge.ts';
import { Cluster, Plane } from '../integration/operator/plane.ts';
import { API_SERVER_START_MS } from '../support/apiserver-shared.ts';
import { eventually } from '../support/eventually.ts';
import { installGatewayApi } from '../support/gateway-api.ts';
import {
  type Comparison,
  type DriftJudge,
  drifts,
  FIELD_MANAGERS,
  MADE_KINDS,
  madeByOperator,
  tracked,
  trackingKeys,
} from './comparison.ts';
import { apply as applyAt, kubectl as kubectlAt } from './hour/kubectl.ts';

const SAMPLES = path.join(import.meta.dirname, '../../samples/gitops');
const ROUTE = path.join(import.meta.dirname, '../../samples/delivery/argo-rollouts/httproute.yaml');
const BASE = path.join(import.meta.dirname, '../../kustomize/base');
const YEAR_MS = 365 * 86_400_000;
const OWNED = { 'app.kubernetes.io/managed-by': 'weft-operator', 'app.kubernetes.io/part-of': 'weft' };

/** The route with so much for the second backend, as a controller of releases writes it. */
function canaryAt(route: KubeObject, weight: number, port = 80): object {
  const backendRefs = [
    { name: 'shelf-stable', port, weight: 100 - weight },
    { name: 'shelf-canary', port: 80, weight },
  ];
  return { ...(route['spec'] as object), rules: [{ backendRefs }] };
}

describe('what is applied, compared by the engines of Argo CD and Flux with what became of it', function () {
  this.timeout(120_000);
  let api: TestApiServer;
  let cluster: Cluster;
  let secrets: NamespacedSecrets;
  let judge: DriftJudge;
  let wanted: KubeObject[];
  let plane: Plane | null = null;

  before(async function () {
    this.timeout(API_SERVER_START_MS + BUILD_LIMIT_MS);
    api = await startApiServer();
    cluster = new Cluster(api);
    secrets = new NamespacedSecrets(new RestClient(cluster.config), 'weft-system', OWNED, systemClock);
    await installGatewayApi(api);
    wanted = await manifests();
  });
  after(async () => {
    await plane?.stop();
    await judge?.stop();
    await cluster?.close();
    await api?.stop();
  });

  const kubectl = (args: readonly string[], input = '') => kubectlAt(api, args, input);
  const apply = (objects: readonly KubeObject[], ...options: string[]) => applyAt(api, objects, options);

  /** The installation, and what the samples have. */
  async function manifests(): Promise<KubeObject[]> {
    const folders = [BASE, path.join(SAMPLES, 'mesh'), path.join(SAMPLES, 'shop')];
    const built = await Promise.all(folders.map((folder) => kubectl(['kustomize', folder])));
    return built.flatMap((text) => parseAllDocuments(text).map((one) => one.toJS() as KubeObject));
  }

  /** By both tools, each under its own name. */
  async function sync(objects: readonly KubeObject[]): Promise<void> {
    for (const tool of ['argo', 'flux'] as const) {
      const all = objects.map((each) => tracked(each, tool));
      await apply(all, '--server-side', '--force-conflicts', `--field-manager=${FIELD_MANAGERS[tool]}`);
    }
  }

  const drifted = (by?: readonly Comparison[]) => drifts(judge, wanted, by);

  async function everythingReady(): Promise<void> {
    await eventually('conditions everywhere', async () => {
      const text = await kubectl(['get', 'weft', '-A', '-o', 'json']);
      const { items } = JSON.parse(text) as { items: { kind: string; status?: { observedGeneration?: number } }[] };
      return (
        items.length > 0 && items.every(({ kind, status }) => kind === 'HTTPRoute' || status?.observedGeneration === 1)
      );
    });
  }

  async function startOperator(name: string): Promise<Plane> {
    const port = await freePort();
    const webhooks = ['--webhook-port', String(port), '--webhook-url', `https://127.0.0.1:${port}`];
    const flags = ['--roles', 'controllers,config,identity,webhooks', ...webhooks];
    return (await new Plane(api, name, { flags }).start()).ready(20_000);
  }

  const anchors = async () => Buffer.from((await secrets.get(ANCHOR_SECRET))!.data['ca.crt']!).toString();

  it("applied by kubectl and Argo CD's first way (client-side): no difference before an operator runs", async () => {
    await apply(wanted.map((each) => tracked(each, 'argo')));
    judge = await Judge.start('judge', shippedChecks(), [api.kubeconfigPath]);
    expect(await drifted(['argoThreeWay'])).to.deep.equal([]);
  });

  it('… nor while it runs, has made its certificates and webhooks, and has written every status', async () => {
    const nowMs = Date.now();
    // Due: the operator replaces them as soon as it leads.
    const anchor = createAnchor('root.linkerd.cluster.local', 10 * YEAR_MS, nowMs - 7.1 * YEAR_MS);
    await secrets.create(ANCHOR_SECRET, toSecret(anchor));
    const issuer = createIssuer(anchor, 'identity.linkerd.cluster.local', YEAR_MS, nowMs - 0.9 * YEAR_MS);
    await secrets.create(ISSUER_SECRET, toSecret(issuer));
    const webhook = createAnchor('webhooks.weft.dev', 10 * YEAR_MS, nowMs - 7.1 * YEAR_MS);
    await secrets.create(WEBHOOK_AUTHORITY_SECRET, toSecret(webhook));
    plane = await startOperator('op-0');
    await everythingReady();
    expect(await drifted(['argoThreeWay'])).to.deep.equal([]);
  });

  it('applied by server-side apply under both managers: no tool finds a difference', async () => {
    await sync(wanted);
    expect(await drifted()).to.deep.equal([]);
  });

  it('… nor after anchor, issuer and the authority of the webhooks have been replaced, and the operator started anew', async () => {
    await eventually('two anchors', async () => (await anchors()).split('BEGIN CERTIFICATE').length === 3);
    await plane!.stop();
    plane = await startOperator('op-1');
    await everythingReady();
    expect(await drifted()).to.deep.equal([]);
  });

  it('a difference that there is, is found by each of them', async () => {
    await kubectl([
      'patch',
      'server.policy.linkerd.io',
      '-n',
      'shop',
      'web',
      '--type=merge',
      '-p',
      '{"spec":{"port":81}}',
    ]);
    const found = await drifted();
    expect(found.map((each) => each.split(':')[0])).to.have.length(3);
    for (const each of found) expect(each).to.contain('web');
  });

  it('weights that a controller moves are left to it: by the rules of the sample for Argo CD, and by an annotation for Flux', async () => {
    const shelf = parseAllDocuments(readFileSync(ROUTE, 'utf8')).map((one) => one.toJS() as KubeObject);
    const route = shelf.find(({ kind }) => kind === 'HTTPRoute')!;
    const metadata = { ...route.metadata, namespace: 'shop' };
    const once = { ...metadata, annotations: { 'kustomize.toolkit.fluxcd.io/ssa': 'IfNotPresent' } };
    const split = wanted.find(({ kind }) => kind === 'TrafficSplit')!;
    for (const object of [{ ...route, metadata: once }, split]) await sync([object]);
    const controller = ['--server-side', '--force-conflicts', '--field-manager=rollouts-controller'];
    const spec = {
      ...(split['spec'] as object),
      backends: [
        { service: 'web', weight: 75 },
        { service: 'web-v2', weight: 25 },
      ],
    };
    await apply(
      [
        { ...route, metadata, spec: canaryAt(route, 25) },
        { ...split, spec },
      ],
      ...controller,
    );
    const rules = parse(readFileSync(path.join(SAMPLES, 'argocd/canary.yaml'), 'utf8')) as {
      spec: { ignoreDifferences: object[] };
    };
    const lenient: DriftJudge = await Judge.start('judge', { ...shippedChecks(), ...rules.spec }, [api.kubeconfigPath]);
    try {
      const objects = [{ ...route, metadata: once }, split];
      expect(await drifts(lenient, objects, ['argoThreeWay', 'argoServerSide'])).to.deep.equal([]);
      expect(await drifts(lenient, [objects[0]!], ['flux'])).to.deep.equal([]);
      expect(await drifts(judge, objects, ['argoServerSide']), 'without the rules').to.have.length(2);
      // What is no weight is held to what is in Git.
      const other = { ...route, metadata: once, spec: canaryAt(route, 0, 81) };
      expect(await drifts(lenient, [other], ['argoServerSide'])).to.have.length(1);
    } finally {
      await lenient.stop();
    }
  });

  it('nothing that the operator made carries what a tool tracks its objects by', async () => {
    const { items } = JSON.parse(await kubectl(['get', MADE_KINDS, '-A', '-o', 'json'])) as { items: KubeObject[] };
    const made = madeByOperator(items);
    expect(made).to.have.length.above(3);
    expect(made.flatMap(trackingKeys)).to.deep.equal([]);
  });
});
