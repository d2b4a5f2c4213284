import { expect } from 'chai';
import { NAMESPACE_ROW } from '../../../crds/kinds/namespace/kind.ts';
import { POD_ROW } from '../../../crds/kinds/pod/kind.ts';
import { SERVICE_ROW } from '../../../crds/kinds/service/kind.ts';
import { resourceType } from '../../../operator/informers.ts';
import type { PooledKubeConfig } from '../../../operator/kube/kubeconfig.ts';
import { listWatch, type Selection } from '../../../operator/kube/list-watch.ts';
import { type ResourceType, resourcePath } from '../../../operator/kube/resources.ts';
import { RestClient } from '../../../operator/kube/rest.ts';
import { objectKey, type RawObject } from '../../../operator/runtime/list-watch.ts';
import { API_SERVER_START_MS, sharedApiServer } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import { kubeConfigOf } from './plane.ts';

const NAMESPACE = 'lists';
const PODS = 7;
const PAGE = 3;

interface Seen extends RawObject {
  apiVersion?: string;
  kind?: string;
  spec?: object;
}

describe('lists and watches of a real API server', function () {
  this.timeout(30_000);
  let config: PooledKubeConfig;
  let rest: RestClient;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    config = kubeConfigOf(await sharedApiServer());
    rest = new RestClient(config);
    await post(resourceType(NAMESPACE_ROW), '', { metadata: { name: NAMESPACE } });
    await post({ group: '', version: 'v1', plural: 'serviceaccounts' }, NAMESPACE, {
      metadata: { name: 'default' },
    }).catch(() => {});
    for (let at = 0; at < PODS; at++) await post(resourceType(POD_ROW), NAMESPACE, podOf(`p${at}`));
    await post(resourceType(SERVICE_ROW), NAMESPACE, { metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } });
  });

  after(() => config?.close());

  function post(type: ResourceType, namespace: string, body: object): Promise<unknown> {
    const path = resourcePath(type, namespace === '' ? undefined : namespace);
    return rest.json({ method: 'POST', path, body, signal: AbortSignal.timeout(10_000) });
  }

  async function listed(type: ResourceType, selection: Selection, limit = PAGE) {
    const items: Seen[] = [];
    const pages: number[] = [];
    let continueToken = '';
    do {
      const options = { resourceVersion: '', continueToken, limit, signal: AbortSignal.timeout(10_000) };
      const page = await listWatch<Seen>(rest, type, selection).list(options, (item) => items.push(item));
      expect(Number(page.resourceVersion)).to.be.above(0);
      pages.push(items.length);
      ({ continueToken } = page);
    } while (continueToken !== '');
    return { items, pages };
  }

  it('come page by page, item by item, with the type of the items', async () => {
    const { items, pages } = await listed(resourceType(POD_ROW), { namespace: NAMESPACE });
    expect(items.map(objectKey)).to.deep.equal(Array.from({ length: PODS }, (_, at) => `${NAMESPACE}/p${at}`));
    expect(pages).to.deep.equal([3, 6, 7]);
    for (const { apiVersion, kind, spec } of items) {
      expect({ apiVersion, kind }).to.deep.equal({ apiVersion: 'v1', kind: 'Pod' });
      expect(spec).to.be.an('object');
    }
    const definitions = { group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions' };
    expect(
      (await listed(definitions, {}, 500)).items.every(({ kind }) => kind === 'CustomResourceDefinition'),
    ).to.equal(true);
    expect((await listed(resourceType(SERVICE_ROW), { namespace: 'nowhere' })).items).to.deep.equal([]);
  });

  it('bring metadata alone where no more is asked for, and Pods are read from it', async () => {
    const type = resourceType(POD_ROW);
    const selection = { namespace: NAMESPACE, metadataOnly: true };
    const { items } = await listed(type, selection);
    expect(items.map(({ spec }) => spec)).to.deep.equal(Array.from({ length: PODS }, () => undefined));
    expect(POD_ROW.parse(items[0]).model?.meta).to.deep.include({ namespace: NAMESPACE, name: 'p0' });
    const seen: Seen[] = [];
    const stop = new AbortController();
    const options = { resourceVersion: '', timeoutSeconds: 60, signal: stop.signal };
    const watching = listWatch<Seen>(rest, type, selection)
      .watch(options, { opened() {}, event: (_, object) => seen.push(object) })
      .catch(() => {});
    await post(type, NAMESPACE, podOf('later'));
    await eventually('the event', () => seen.some(({ metadata }) => metadata?.name === 'later'));
    stop.abort();
    await watching;
    const later = seen.find(({ metadata }) => metadata?.name === 'later');
    expect(later).to.deep.include({ kind: 'PartialObjectMetadata' });
    expect(later?.metadata?.uid).not.to.equal('');
    expect(later?.spec).to.equal(undefined);
  });
});

function podOf(name: string): object {
  return { metadata: { name, labels: { app: 'web' } }, spec: { containers: [{ name: 'app', image: 'none' }] } };
}
