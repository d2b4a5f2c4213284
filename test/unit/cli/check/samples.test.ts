import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import { KINDS } from '../../../../crds/kinds/registry.ts';
import { custom, healthy, injectedOf, pod, READY, slice, type World } from './world.ts';

const SAMPLES = join(import.meta.dirname, '..', '..', '..', '..', 'samples');

interface Manifest {
  kind: string;
  apiVersion: string;
  metadata: { name: string; namespace?: string; annotations?: Record<string, string> };
  spec: {
    selector?: Record<string, string>;
    ports?: object[];
    template?: {
      metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
      spec: { containers: { name: string; ports?: { name: string; containerPort: number }[] }[] };
    };
  };
}

/** What the samples apply, as it would be in a cluster with their pods in the mesh. */
function worldOf(...folders: string[]): World {
  const world = healthy();
  for (const name of ['Pod', 'Service', 'EndpointSlice.discovery.k8s.io', ...KINDS.map(({ id }) => id)]) {
    if (name !== 'Namespace' && name !== 'Mesh.weft.dev') world.objects.set(name, world.list(name).filter(isSystem));
  }
  world.remove('Namespace', 'shop');
  const manifests = folders.flatMap((folder) =>
    readdirSync(join(SAMPLES, folder))
      .filter((file) => file.endsWith('.yaml'))
      .flatMap((file) =>
        parseAllDocuments(readFileSync(join(SAMPLES, folder, file), 'utf8')).map(
          (document) => document.toJS() as Manifest,
        ),
      ),
  );
  for (const manifest of manifests) place(world, manifest, manifests);
  const proxies = world.list('Pod').length - 1;
  world.set('Mesh.weft.dev', 'default', 'status.proxies', `${proxies}/${proxies}`);
  return world;
}

function isSystem(raw: unknown): boolean {
  return (raw as Manifest).metadata.namespace === 'weft-system';
}

let addresses = 20;

function place(world: World, manifest: Manifest, all: readonly Manifest[]): void {
  const { kind, metadata, spec, apiVersion } = manifest;
  const namespace = metadata.namespace ?? 'default';
  const annotations =
    all.find((each) => each.kind === 'Namespace' && each.metadata.name === namespace)?.metadata.annotations ?? {};
  switch (kind) {
    case 'Namespace':
      world.add('Namespace', {
        ...manifest,
        metadata: { ...metadata, labels: { 'kubernetes.io/metadata.name': metadata.name } },
      });
      break;
    case 'Service': {
      addresses += 1;
      const ip = `10.96.1.${addresses}`;
      world.add('Service', {
        metadata,
        spec: {
          ...spec,
          clusterIP: ip,
          clusterIPs: [ip],
          ports: (spec.ports ?? []).map((port) => ({ protocol: 'TCP', ...port })),
        },
      });
      world.add('EndpointSlice.discovery.k8s.io', slice(metadata.name, namespace, [{ port: 8080 }], '10.244.0.20'));
      break;
    }
    case 'Deployment': {
      addresses += 1;
      const { metadata: template = {}, spec: podSpec } = spec.template!;
      const labels = { ...template.labels, 'pod-template-hash': 'abc' };
      const made = pod(`${metadata.name}-abc-x`, namespace, labels, `10.244.0.${addresses}`, podSpec);
      const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${metadata.name}-abc`, controller: true };
      Object.assign(made['metadata'] as object, { annotations: template.annotations ?? {}, ownerReferences: [owner] });
      world.add('Pod', injectedOf(made, namespace, annotations));
      break;
    }
    default: {
      const row = KINDS.find((each) => each.kind === kind && apiVersion.startsWith(`${each.group}/`));
      if (row !== undefined) world.add(row.id, custom(metadata.name, spec, READY, namespace));
    }
  }
}

describe('weft check on the sample applications', () => {
  for (const folders of [
    ['app/manifests'],
    ['poll/manifests', 'poll'],
    ['app/manifests', 'retries'],
    ['app/manifests', 'timeouts'],
  ]) {
    it(`finds nothing: ${folders.join(', ')}`, () => {
      const findings = worldOf(...folders)
        .judge('proxy')
        .flatMap(({ verdicts }) => verdicts)
        .flatMap(({ check, findings: found }) => found.map((each) => `${check.code}: ${each.object}: ${each.reason}`));
      expect(findings).to.deep.equal([]);
    });
  }
});
