import { expect } from 'chai';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import { Cluster, Plane, type SeenObject } from './plane.ts';

const NAME = 'servers.policy.linkerd.io';
const PATH = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${NAME}`;

interface Definition extends SeenObject {
  spec: { versions: { name: string; subresources?: object }[] };
}

describe("definitions that are not ours (Linkerd's have no status subresource)", function () {
  this.timeout(60_000);
  let api: TestApiServer;
  let cluster: Cluster;
  let plane: Plane;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = await startApiServer();
    cluster = new Cluster(api);
    plane = await new Plane(api, 'op-0', { flags: ['--roles', 'controllers,config,identity'] }).start();
    await plane.ready();
    await cluster.apply('meshes', '', 'default', { spec: {} });
    await cluster.apply('namespaces', '', 'shop', {});
  });

  after(async () => {
    await plane?.stop();
    await cluster?.close();
    await api?.stop();
  });

  it('are named on the Mesh and counted, and the mesh stays ready', async () => {
    await cluster.condition('meshes', '', 'default', 'DefinitionsComplete', 'True');
    const held = await cluster.read<Definition>(PATH);
    for (const version of held.spec.versions) delete version.subresources;
    await cluster.put(PATH, held);
    await eventually('a Server whose status cannot be written', async () => {
      await cluster.apply('servers', 'shop', 'web', {
        spec: { podSelector: {}, port: 1 + Math.ceil(Math.random() * 60_000) },
      });
      const { status } = await cluster.get('meshes', '', 'default');
      return status?.conditions?.find(({ type, status: value }) => type === 'DefinitionsComplete' && value === 'False');
    });
    const condition = await cluster.condition('meshes', '', 'default', 'DefinitionsComplete', 'False');
    expect(condition.reason).to.equal('DefinitionOfOthers');
    expect(condition.message).to.contain(`${NAME} has no status subresource`).and.to.contain('--upgrade-crds');
    expect(condition.message).not.to.contain('serviceprofiles');
    expect(await plane.metric('weft_definitions_incomplete')).to.equal(1);
    await cluster.condition('meshes', '', 'default', 'Ready', 'True');
  });
});
