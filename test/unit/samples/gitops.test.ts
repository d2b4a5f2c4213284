import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { parseAllDocuments, stringify } from 'yaml';
import { valuesOfFile } from '../../../cli/install/values.ts';
import { KINDS } from '../../../crds/kinds/registry.ts';

const ROOT = path.join(import.meta.dirname, '../../..');
const SAMPLES = path.join(ROOT, 'samples/gitops');

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; annotations?: Record<string, string> };
  spec: {
    path?: string;
    source?: { path: string; helm?: { releaseName: string; valuesObject?: object } };
    chart?: { spec: { chart: string; sourceRef: { kind: string; name: string } } };
    values?: object;
    dependsOn?: { name: string }[];
    sourceRef?: { kind: string; name: string };
    ignoreDifferences?: unknown[];
  };
}

/** All documents of the files of a folder below `samples/gitops`. */
function manifests(folder: string): Manifest[] {
  const files = readdirSync(path.join(SAMPLES, folder)).filter((name) => name.endsWith('.yaml'));
  return files.flatMap((name) =>
    parseAllDocuments(readFileSync(path.join(SAMPLES, folder, name), 'utf8')).map((one) => one.toJS() as Manifest),
  );
}

const isFolder = (named: string) => existsSync(path.join(ROOT, named, 'kustomization.yaml'));

const isChart = (named: string) => existsSync(path.join(ROOT, named, 'Chart.yaml'));

describe('samples for GitOps tools', () => {
  it('have every kind of Weft that is no route of the Gateway API, and nothing in them is doubtful', () => {
    const objects = [...manifests('mesh'), ...manifests('shop')].filter(({ kind }) => kind !== 'Kustomization');
    const kinds = new Set<string>();
    for (const object of objects) {
      const row = KINDS.find(({ group, kind }) => kind === object.kind && object.apiVersion.split('/')[0] === group);
      if (row === undefined || row.status.form === 'none') continue;
      kinds.add(row.id);
      const meta = { namespace: 'shop', uid: 'u', resourceVersion: '1', ...object.metadata };
      expect(row.parse({ ...object, metadata: meta }).problems, object.metadata.name).to.deep.equal([]);
    }
    const ours = KINDS.filter(({ status, group }) => status.form !== 'none' && group !== 'gateway.networking.k8s.io');
    expect([...kinds]).to.have.members(ours.map(({ id }) => id));
  });

  it('of Argo CD come in waves, of folders that there are, and ignore nothing', () => {
    const waveOf = ({ metadata: { annotations = {} } }: Manifest) =>
      Number(annotations['argocd.argoproj.io/sync-wave']);
    const applications = manifests('argocd/applications').sort((a, b) => waveOf(a) - waveOf(b));
    expect(applications.map((each) => [each.metadata.name, waveOf(each)])).to.deep.equal([
      ['weft', 0],
      ['weft-mesh', 1],
      ['shop', 2],
    ]);
    for (const { spec } of applications) {
      expect(isFolder(spec.source!.path), spec.source!.path).to.equal(true);
      expect(spec.ignoreDifferences).to.deep.equal([]);
    }
    const platform = manifests('argocd').find(({ metadata }) => metadata.name === 'platform');
    expect(path.join(ROOT, platform!.spec.source!.path)).to.equal(path.join(SAMPLES, 'argocd/applications'));
  });

  it('of the charts, for Argo CD: two Applications in the place of one, definitions first, with values that there are', () => {
    const charts = manifests('argocd/charts');
    const waves = charts.map(({ metadata }) => [metadata.name, metadata.annotations?.['argocd.argoproj.io/sync-wave']]);
    expect(waves).to.deep.equal([
      ['weft-crds', '-1'],
      ['weft', '0'],
    ]);
    for (const { metadata, spec } of charts) {
      expect(isChart(spec.source!.path), spec.source!.path).to.equal(true);
      expect(spec.source!.helm!.releaseName).to.equal(metadata.name);
      expect(() => valuesOfFile(stringify(spec.source!.helm!.valuesObject ?? {}), metadata.name)).not.to.throw();
      expect(spec.ignoreDifferences).to.deep.equal([]);
    }
  });

  it('of the charts, for Flux: releases that a Kustomization waits for, which has the name that the Mesh depends on', () => {
    const [kustomization] = manifests('flux/charts');
    const [mesh] = manifests('flux').filter(({ metadata }) => metadata.name === 'weft-mesh');
    expect(mesh!.spec.dependsOn).to.deep.equal([{ name: kustomization!.metadata.name }]);
    expect(path.join(ROOT, kustomization!.spec.path!)).to.equal(path.join(SAMPLES, 'flux/charts/releases'));
    const releases = manifests('flux/charts/releases').filter(({ kind }) => kind === 'HelmRelease');
    expect(releases.map(({ metadata, spec }) => [metadata.name, spec.dependsOn])).to.deep.equal([
      ['weft-crds', undefined],
      ['weft', [{ name: 'weft-crds' }]],
    ]);
    for (const { metadata, spec } of releases) {
      expect(isChart(spec.chart!.spec.chart), spec.chart!.spec.chart).to.equal(true);
      expect(() => valuesOfFile(stringify(spec.values ?? {}), metadata.name)).not.to.throw();
    }
  });

  it('of Flux depend on one another to the end, and are of folders that there are', () => {
    const all = manifests('flux');
    const byName = new Map(all.map((each) => [`${each.kind}/${each.metadata.name}`, each]));
    const chain: string[] = [];
    for (let name: string | undefined = 'shop'; name !== undefined; ) {
      const { spec }: Manifest = byName.get(`Kustomization/${name}`)!;
      expect(isFolder(spec.path!), spec.path).to.equal(true);
      expect(byName.has(`${spec.sourceRef!.kind}/${spec.sourceRef!.name}`)).to.equal(true);
      chain.push(name);
      name = spec.dependsOn?.[0]?.name;
    }
    expect(chain).to.deep.equal(['shop', 'weft-mesh', 'weft']);
  });
});
