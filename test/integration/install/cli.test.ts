import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { type CliResult, runCli } from '../../support/cli.ts';
import { eventually } from '../../support/eventually.ts';

const SYSTEM = 'weft-system';
const DEFINITIONS = 11;
const CONTROL_PLANE = 17;

interface Deployment {
  metadata: { annotations: Record<string, string> };
  spec: { replicas: number; template: { spec: { containers: { image: string }[] } } };
}

describe('weft install, upgrade, uninstall and prune at a real API server', function () {
  this.timeout(120_000);
  let api: TestApiServer;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = await startApiServer({ controllerManager: true });
  });

  after(() => api?.stop());

  const weft = (...argv: string[]) => runCli(argv, { env: { KUBECONFIG: api.kubeconfigPath } });

  async function done(...argv: string[]): Promise<CliResult> {
    const result = await weft(...argv);
    expect(result.status, result.stderr).to.equal(0);
    return result;
  }

  function kubectl(args: string, input = ''): Promise<string> {
    return new Promise((resolve, reject) => {
      const argv = ['--kubeconfig', api.kubeconfigPath, ...args.split(' ')];
      const child = execFile(api.kubectlPath, argv, { maxBuffer: 64_000_000 }, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(stderr));
      });
      child.stdin?.end(input);
    });
  }

  const deployment = async () =>
    JSON.parse(await kubectl(`-n ${SYSTEM} get deploy weft-operator -o json`)) as Deployment;
  const imageOf = async () => (await deployment()).spec.template.spec.containers[0]!.image;
  /** Changes with every write of what is ours; of what has a status, which controllers write, with every write of the rest: definitions are settled before. */
  const versions = async () => {
    await kubectl('wait --for=condition=Established --timeout=60s crd -l app.kubernetes.io/part-of=weft');
    const print = (version: string) =>
      `-o jsonpath={range.items[*]}{.kind}/{.metadata.name}={.metadata.${version}};{end}`;
    const written = 'crd,clusterroles,clusterrolebindings,roles,rolebindings,serviceaccounts,services,namespaces';
    const ours = '-A -l app.kubernetes.io/part-of=weft';
    return [
      await kubectl(`get ${written} ${ours} ${print('resourceVersion')}`),
      await kubectl(`get deployments,poddisruptionbudgets ${ours} ${print('generation')}`),
    ];
  };
  /** A definition that the API server forgets while it goes is touched: as `touching` in cli/install/uninstall.ts, where it says why. */
  const nothingLeft = async () => {
    const ours = '-l app.kubernetes.io/part-of=weft';
    if ((await kubectl(`get crd,namespace ${ours} -o name`)) === '') return true;
    await sleep(1_000);
    await kubectl(`annotate crd ${ours} --overwrite looked-at=${Date.now()}`).catch(() => {});
    return false;
  };
  const linesOf = ({ stdout }: CliResult) => stdout.trim().split('\n');

  it('changes nothing with --dry-run and --diff, also where there is no namespace yet', async () => {
    const tried = linesOf(await done('install', '--dry-run'));
    expect(tried).to.have.length(DEFINITIONS + CONTROL_PLANE);
    expect(tried.filter((line) => !line.endsWith(' created (dry run)'))).to.deep.equal([]);
    const { status, stdout } = await weft('install', '--diff', '--ha');
    expect(status).to.equal(1);
    expect(stdout).to.contain(`+ deployment/weft-operator in ${SYSTEM}`);
    expect(await kubectl('get crd,namespace -l app.kubernetes.io/part-of=weft -o name')).to.equal('');
  });

  it('has nothing to upgrade, to remove and to prune in a cluster without an installation', async () => {
    const upgrade = await weft('upgrade');
    expect(upgrade.status).to.equal(1);
    expect(upgrade.stderr).to.contain('WEFT_CLI_NOT_INSTALLED').and.to.contain('weft-operator');
    for (const verb of ['uninstall', 'prune']) {
      expect(await done(verb)).to.include({ stdout: '' });
      await done(verb, '--apply');
    }
  });

  it('installs what it prints by kubectl apply; the second time, and by --apply after it, nothing changes', async () => {
    const { stdout } = await done('install');
    expect(await kubectl('apply -f -', stdout)).to.contain('weft-operator created');
    const before = await versions();
    await kubectl('apply -f -', stdout);
    expect(await versions()).to.deep.equal(before);
    const applied = linesOf(await done('install', '--apply', '--no-wait'));
    expect(applied.filter((line) => !line.endsWith(' unchanged'))).to.deep.equal([]);
    expect(await done('install', '--diff')).to.include({ stdout: '' });
    const removed = await done('uninstall', '--purge');
    await kubectl('delete --wait=false -f -', removed.stdout);
    await eventually('definitions and namespace are gone', nothingLeft, 60_000);
  });

  it('installs by --apply, and writes nothing the second time', async () => {
    const first = linesOf(await done('install', '--apply', '--no-wait'));
    expect(first).to.have.length(DEFINITIONS + CONTROL_PLANE);
    expect(first.filter((line) => !line.endsWith(' created'))).to.deep.equal([]);
    const before = await versions();
    const second = linesOf(await done('install', '--apply', '--no-wait'));
    expect(second.filter((line) => !line.endsWith(' unchanged'))).to.deep.equal([]);
    expect(await versions()).to.deep.equal(before);
  });

  it('makes three replicas with --ha, and leaves the number that somebody sets later, also with --force', async () => {
    await done('install', '--apply', '--no-wait', '--ha');
    expect((await deployment()).spec.replicas).to.equal(3);
    await kubectl(`-n ${SYSTEM} scale deploy/weft-operator --replicas=5`);
    expect(await done('install', '--diff', '--ha')).to.include({ stdout: '' });
    await done('install', '--apply', '--no-wait', '--ha');
    await done('upgrade', '--apply', '--no-wait', '--force');
    expect((await deployment()).spec.replicas).to.equal(5);
  });

  it('upgrades with the values of before, changes the one that is given, and forgets all when told to', async () => {
    await done('install', '--apply', '--no-wait', '--set=images.prefix=example.com/mesh/,images.tag=1');
    expect(linesOf(await done('upgrade', '--apply', '--no-wait')).join()).not.to.match(/ (?:created|changed)/);
    const diff = await weft('upgrade', '--diff', '--set=images.tag=2');
    expect(diff.status).to.equal(1);
    expect(diff.stdout)
      .to.contain('  - spec.template.spec.containers[operator].image: example.com/mesh/weft-operator:1\n')
      .and.to.contain('  + spec.template.spec.containers[operator].image: example.com/mesh/weft-operator:2\n');
    expect(await imageOf()).to.equal('example.com/mesh/weft-operator:1');
    await done('upgrade', '--apply', '--no-wait', '--set=images.tag=2');
    expect(await imageOf()).to.equal('example.com/mesh/weft-operator:2');
    expect((await done('upgrade', '--show-values')).stdout).to.contain('tag: "2"');
    const printed = await done('upgrade', '--skip-crds');
    expect(printed.stdout).to.contain('image: example.com/mesh/weft-operator:2');
    await done('upgrade', '--apply', '--no-wait', '--reset-values');
    expect(await imageOf()).to.equal('localhost/weft-operator:dev');
  });

  it('keeps fields of others through an upgrade, and refuses to overwrite those that it sets', async () => {
    await kubectl(`-n ${SYSTEM} annotate deploy/weft-operator example.com/team=mesh`);
    await kubectl(`-n ${SYSTEM} set resources deploy/weft-operator --limits=cpu=2`);
    await done('upgrade', '--apply', '--no-wait', '--force');
    expect((await deployment()).metadata.annotations).to.include({ 'example.com/team': 'mesh' });
    expect(JSON.stringify(await deployment())).to.contain('"limits":{"cpu":"2"');
    await kubectl(`-n ${SYSTEM} set resources deploy/weft-operator --limits=memory=3Gi`);
    for (const how of ['--apply', '--diff']) {
      const refused = await weft('upgrade', how, '--no-wait');
      expect(refused.status).to.equal(1);
      expect(refused.stderr)
        .to.contain('WEFT_INSTALL_CONFLICT')
        .and.to.contain('"kubectl-set"')
        .and.to.contain('.resources.limits.memory');
    }
    await done('upgrade', '--apply', '--no-wait', '--force');
  });

  const ofLiveNumbers = () =>
    kubectl('get service,rolebinding,clusterrole,clusterrolebinding -A -l app.kubernetes.io/component=viz -o name');

  it('prunes what carries the label and is not of this version, and nothing of others', async () => {
    const label = 'app.kubernetes.io/part-of=weft';
    await kubectl('create clusterrole weft-old --verb=get --resource=pods');
    await kubectl(`label clusterrole weft-old ${label}`);
    await kubectl(`-n ${SYSTEM} create configmap weft-old`);
    await kubectl(`-n ${SYSTEM} label configmap weft-old ${label}`);
    await kubectl('create clusterrole weft-mine --verb=get --resource=pods');
    await kubectl('create namespace elsewhere');
    await kubectl('-n elsewhere create configmap weft-old');
    await kubectl(`-n elsewhere label configmap weft-old ${label}`);
    await kubectl(`-n ${SYSTEM} create secret generic weft-trust-anchor --from-literal=a=b`);
    await kubectl(`-n ${SYSTEM} label secret weft-trust-anchor ${label}`);
    const { stdout } = await done('prune', '-o', 'json');
    const { items } = JSON.parse(stdout) as { items: object[] };
    expect(items).to.deep.equal([
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'weft-old', namespace: SYSTEM } },
      { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'weft-old' } },
    ]);
    await kubectl(`-n ${SYSTEM} get configmap/weft-old`);
    await done('prune', '--apply');
    expect(await done('prune')).to.include({ stdout: '' });
    await kubectl(`-n ${SYSTEM} get deploy/weft-operator secret/weft-trust-anchor`);
    await kubectl('-n elsewhere get configmap/weft-old');
    await kubectl('get clusterrole/weft-mine clusterrole/weft-operator');
  });

  it('prunes all of the live numbers where they are switched off, and has them again', async () => {
    const before = await ofLiveNumbers();
    await done('upgrade', '--apply', '--no-wait', '--set=viz.enabled=false');
    const { items } = JSON.parse((await done('prune', '-o', 'json')).stdout) as {
      items: { kind: string; metadata: { name: string; namespace?: string } }[];
    };
    expect(items.map(({ kind, metadata: { namespace = '', name } }) => `${kind} ${namespace}/${name}`)).to.deep.equal([
      `Service ${SYSTEM}/weft-viz`,
      'RoleBinding kube-system/weft-operator-viz',
      'ClusterRoleBinding /weft-operator-viz',
      'ClusterRole /weft-operator-viz',
      'ClusterRole /weft-tap-admin',
      'ClusterRole /weft-viz-reader',
      'ClusterRole /weft-viz-view',
    ]);
    await done('prune', '--apply');
    const ports = await kubectl(`-n ${SYSTEM} get service/weft-operator deploy/weft-operator -o yaml`);
    expect(ports).not.to.contain('8089');
    expect(ports).to.contain('controllers,config,identity,webhooks');
    await done('upgrade', '--apply', '--no-wait', '--reset-values');
    expect(await ofLiveNumbers())
      .to.equal(before)
      .and.to.contain('weft-viz-reader');
  });

  it('prints for removal what is ours alone, and leaves the root of trust and the custom resources', async () => {
    await kubectl(`-n ${SYSTEM} create configmap mine`);
    await kubectl(
      `-n ${SYSTEM} label service/weft-operator service/weft-viz app.kubernetes.io/part-of=mine --overwrite`,
    );
    const { stdout, stderr } = await done('uninstall');
    expect(stderr).to.contain(`left: service/weft-operator in ${SYSTEM} is not of this installation`);
    expect(stdout).not.to.match(/kind: (?:Service|Namespace|CustomResourceDefinition|Secret|ConfigMap)\n/);
    await kubectl('delete -f -', stdout);
    expect(await done('uninstall')).to.include({ stdout: '' });
    await kubectl(`-n ${SYSTEM} get service/weft-operator configmap/mine secret/weft-trust-anchor`);
    await kubectl('get crd/servers.policy.linkerd.io clusterrole/weft-mine');
  });

  it('ends with the status of a cluster that is not there', async () => {
    const env = { KUBECONFIG: `${api.kubeconfigPath}.none` };
    for (const verb of [['install', '--apply'], ['upgrade'], ['uninstall'], ['prune']]) {
      expect((await runCli(verb, { env })).status, verb.join(' ')).to.equal(3);
    }
  });
});
