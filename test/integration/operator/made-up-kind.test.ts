import { expect } from 'chai';
import { KINDS } from '../../../crds/kinds/registry.ts';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import { GADGET_ROW } from '../../support/gadget/kind.ts';
import { Cluster, Plane, type SeenObject } from './plane.ts';

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const GADGETS = '/apis/toys.example.com/v1/namespaces/shop/gadgets';
const LATER_MS = 15_000;

const DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'gadgets.toys.example.com' },
  spec: {
    group: 'toys.example.com',
    scope: 'Namespaced',
    names: { kind: 'Gadget', plural: 'gadgets', singular: 'gadget', listKind: 'GadgetList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

function gadget(name: string) {
  const metadata = { namespace: 'shop', name };
  return { apiVersion: 'toys.example.com/v1', kind: 'Gadget', metadata, spec: { service: 'web', size: 3 } };
}

describe('a made-up kind at a real API server, of one row', function () {
  this.timeout(60_000);
  let api: TestApiServer;
  let cluster: Cluster;
  let plane: Plane;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = await startApiServer();
    cluster = new Cluster(api);
    const flags = ['--roles', 'controllers,config,identity'];
    const kinds = [...KINDS, GADGET_ROW];
    plane = await new Plane(api, 'op-0', { flags, kinds, timing: { absentMs: 200 } }).start();
    await cluster.apply('namespaces', '', 'shop', {});
  });

  after(async () => {
    await plane?.stop();
    await cluster?.close();
    await api?.stop();
  });

  const absent = () => plane.metric('weft_cache_absent{kind="gadgets"}');

  /** `Ready`'s reason on a gadget. */
  function readyReason(name: string, reason: string): Promise<unknown> {
    const read = () => cluster.read<SeenObject>(`${GADGETS}/${name}`);
    return eventually(
      `Ready for ${reason} on ${name}`,
      async () => (await read()).status?.conditions?.some((each) => each.type === 'Ready' && each.reason === reason),
      LATER_MS,
    );
  }

  it('keeps the operator from nothing while it is not installed', async () => {
    await plane.ready();
    expect(await absent()).to.equal(1);
  });

  it('is followed once it is installed: its objects get their status', async () => {
    await cluster.create(DEFINITIONS, DEFINITION);
    await eventually('it is listed', async () => (await absent()) === 0, LATER_MS);
    await cluster.create(GADGETS, gadget('a'));
    await readyReason('a', 'DependencyNotReady');
    await cluster.apply('services', 'shop', 'web', { spec: { ports: [{ name: 'http', port: 80 }] } });
    await readyReason('a', 'Succeeded');
  });

  it('may be taken away and come back, and the operator is ready all the while', async () => {
    await cluster.remove(`${DEFINITIONS}/${DEFINITION.metadata.name}`);
    await eventually('it is known to be gone', async () => (await absent()) === 1, LATER_MS);
    expect((await plane.readiness()).status).to.equal(200);
    await cluster.create(DEFINITIONS, DEFINITION);
    await eventually('it is listed again', async () => (await absent()) === 0, LATER_MS);
    await cluster.create(GADGETS, gadget('b'));
    await readyReason('b', 'Succeeded');
    expect((await plane.readiness()).status).to.equal(200);
  });
});
