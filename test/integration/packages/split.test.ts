import { execFile } from 'node:child_process';
import { expect } from 'chai';
import { PARTS } from '../../../cli/install/parts.ts';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { runCli } from '../../support/cli.ts';
import { eventually } from '../../support/eventually.ts';

const SYSTEM = 'weft-system';
const PATIENCE_MS = 30_000;

interface Named {
  metadata: { name: string; labels: Record<string, string> };
}

interface Slice {
  ports: { name: string }[] | null;
  endpoints: { targetRef: { name: string } }[] | null;
}

describe('roles in Deployments of their own, at a real API server with its controllers', function () {
  this.timeout(120_000);
  let api: TestApiServer;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = await startApiServer({ controllerManager: true });
  });

  after(() => api?.stop());

  async function weft(...argv: string[]): Promise<string> {
    const { status, stdout, stderr } = await runCli(argv, { env: { KUBECONFIG: api.kubeconfigPath } });
    expect(status, stderr).to.equal(0);
    return stdout;
  }

  function kubectl(args: readonly string[], input: object = {}): Promise<string> {
    return new Promise((resolve, reject) => {
      const argv = ['--kubeconfig', api.kubeconfigPath, '-n', SYSTEM, ...args];
      const child = execFile(api.kubectlPath, argv, { maxBuffer: 64_000_000 }, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(stderr));
      });
      child.stdin?.end(JSON.stringify(input));
    });
  }

  const itemsOf = async <T>(...args: string[]) =>
    (JSON.parse(await kubectl(['get', ...args, '-o', 'json'])) as { items: T[] }).items;

  /** Pods by the port of a Service that leads to them. */
  async function behind(service: string): Promise<Record<string, string[]>> {
    const found: Record<string, string[]> = {};
    for (const { ports, endpoints } of await itemsOf<Slice>(
      'endpointslices',
      '-l',
      `kubernetes.io/service-name=${service}`,
    )) {
      for (const { name } of ports ?? []) {
        found[name] = [...(found[name] ?? []), ...(endpoints ?? []).map(({ targetRef }) => targetRef.name)];
      }
    }
    return found;
  }

  it('are behind one Service, each port with the pods that have it, and nobody selects the pods of another', async () => {
    await weft('install', '--apply', '--no-wait');
    await weft('upgrade', '--apply', '--no-wait', '--set=operator.split=true');
    const pods = await eventually(
      'a pod of each part',
      async () => {
        // Of the form before there is one that nobody ends: no kubelet runs here.
        const all = await itemsOf<Named>('pods');
        const partOf = (pod: Named) => pod.metadata.labels['app.kubernetes.io/name'];
        return PARTS.every(({ name }) => all.some((pod) => partOf(pod) === name)) ? all : null;
      },
      PATIENCE_MS,
    );
    // As scheduler and kubelet do it: endpoints are those of pods on nodes that are there.
    const node = { apiVersion: 'v1', kind: 'Node', name: 'one' };
    await kubectl(['create', '-f', '-'], { apiVersion: 'v1', kind: 'Node', metadata: { name: node.name } });
    for (const [at, { metadata }] of pods.entries()) {
      const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: metadata.name }, target: node };
      await kubectl(
        ['create', '--raw', `/api/v1/namespaces/${SYSTEM}/pods/${metadata.name}/binding`, '-f', '-'],
        binding,
      );
      const conditions = [{ type: 'Ready', status: 'True' }];
      const ip = `10.7.0.${at + 1}`;
      const status = { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions };
      await kubectl(['patch', 'pod', metadata.name, '--subresource=status', '-p', JSON.stringify({ status })]);
    }
    const parts = (names: readonly string[] = []) =>
      new Set(names.map((name) => name.split('-').slice(0, 2).join('-')));
    const wanted = { config: 'weft-config', identity: 'weft-identity', webhooks: 'weft-webhooks' };
    await eventually(
      'every port leads to its pods',
      async () => {
        const found = await behind('weft-operator');
        return (
          Object.entries(wanted).every(([port, part]) => parts(found[port]).has(part)) &&
          parts(found['admin']).size === PARTS.length
        );
      },
      PATIENCE_MS,
    );
    const found = await behind('weft-operator');
    const others = pods
      .filter(({ metadata }) => !metadata.name.startsWith('weft-operator-'))
      .map((pod) => pod.metadata.name);
    for (const [port, part] of Object.entries(wanted)) {
      const foreign = (found[port] ?? []).filter((name) => others.includes(name) && !name.startsWith(`${part}-`));
      expect(foreign, port).to.deep.equal([]);
    }
    expect(parts((await behind('weft-viz'))['viz'])).to.include('weft-config');
    const selectors = (await itemsOf<{ spec: { selector: { matchLabels: object } } }>('deployments')).map(({ spec }) =>
      JSON.stringify(spec.selector.matchLabels),
    );
    expect(new Set(selectors).size).to.equal(PARTS.length);
  });

  it('are one Deployment again when told so; what is left of the others is pruned', async () => {
    // On its node nobody would end them; new ones, on no node, end at once.
    await kubectl(['delete', 'pods', '--all', '--force', '--grace-period=0']);
    await weft('upgrade', '--apply', '--no-wait', '--set=operator.split=false');
    const left = JSON.parse(await weft('prune', '-o', 'json')) as { items: Named[] };
    const names = PARTS.map(({ name }) => name).filter((name) => name !== 'weft-operator');
    expect(new Set(left.items.map(({ metadata }) => metadata.name))).to.deep.equal(
      new Set([...names, 'weft-config-viz']),
    );
    await weft('prune', '--apply');
    expect((await itemsOf<Named>('deployments')).map(({ metadata }) => metadata.name)).to.deep.equal(['weft-operator']);
    const selected = await kubectl(['get', 'service', 'weft-operator', '-o', 'jsonpath={.spec.selector}']);
    expect(JSON.parse(selected)).to.deep.equal({ 'app.kubernetes.io/name': 'weft-operator' });
  });
});
