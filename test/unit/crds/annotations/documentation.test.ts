import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { Annotation } from '../../../../crds/annotations/annotation.ts';
import { ANNOTATIONS } from '../../../../crds/annotations/rows.ts';
import { UNSUPPORTED } from '../../../../crds/annotations/workload.ts';
import { parseMesh } from '../../../../crds/kinds/mesh/parse.ts';
import { NO_NAMES } from '../../../../crds/scalars/port-list.ts';

const DOCS = new URL('../../../../docs/', import.meta.url);
const page = (name: string) => readFileSync(new URL(name, DOCS), 'utf8');
const ALL = Object.values(ANNOTATIONS).flat();
const NAME = /`((?:config|balancer|retry|timeout)\.(?:alpha\.|beta\.)?(?:linkerd\.io|weft\.dev)\/[a-z-]+)/g;
/** Of the same domain, and no annotation. */
const LABELS = ['config.linkerd.io/admission-webhooks'];

/** What a field of the Mesh is set to, to see who falls back to it: as a user writes it, and as the annotation would be written. */
const MESH_FIELDS: Record<string, [field: unknown, annotation: string]> = {
  'configuration.source': ['kubernetes', 'kubernetes'],
  'proxy.accessLog': ['apache', 'apache'],
  'proxy.defaultInboundPolicy': ['cluster-authenticated', 'cluster-authenticated'],
  'proxy.image': ['localhost/other:v3', 'localhost/other:v3'],
  'proxy.imagePullPolicy': ['Always', 'Always'],
  'proxy.logLevel': ['warn', 'warn'],
  'proxy.nativeSidecar': [false, 'false'],
  'proxy.opaquePorts': ['77', '77'],
  'proxy.resources.limits.cpu': ['3', '3'],
  'proxy.resources.limits.memory': ['3Gi', '3Gi'],
  'proxy.resources.requests.cpu': ['2', '2'],
  'proxy.resources.requests.memory': ['2Gi', '2Gi'],
  'proxy.skipInboundPorts': ['78', '78'],
  'proxy.skipOutboundPorts': ['79', '79'],
  'proxy.skipSubnets': ['10.9.0.0/16', '10.9.0.0/16'],
};

function tableOf(text: string): Map<string, string> {
  const rows = [...text.matchAll(/^\| `([^`]+\/[^`]+)` \| .* \| (.*?) ?\|$/gm)];
  return new Map(rows.map(([, name, otherwise]) => [name!, otherwise!]));
}

function meshWithField(path: string, value: unknown) {
  const spec = path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
  const { model } = parseMesh({ apiVersion: 'weft.dev/v1alpha1', kind: 'Mesh', metadata: { name: 'default' }, spec });
  return model!;
}

function parsed(row: Annotation<unknown>, text: string): unknown {
  const reading = row.parse(text, NO_NAMES);
  return reading.ok ? reading.value : reading;
}

describe('documentation of annotations', () => {
  for (const [name, rows] of Object.entries(ANNOTATIONS)) {
    const table = tableOf(page(name));

    it(`${name} has one row for each annotation that is read, and for no other`, () => {
      expect([...table.keys()]).to.have.members(rows.flatMap(({ names }) => names));
    });

    it(`${name} says what holds without each`, () => {
      for (const { names, otherwise } of rows) {
        expect(table.get(names[0]), names[0]).to.equal(otherwise.text);
        for (const older of names.slice(1)) expect(table.get(older), older).to.equal(`\`${names[0]}\``);
      }
    });
  }

  it('says of each what really holds: a value as it would be written, a field of the Mesh, or nothing', () => {
    const mesh = meshWithField('proxy.logLevel', 'info');
    for (const row of ALL) {
      const { text, value } = row.otherwise;
      const [, field] = /^Mesh `([a-zA-Z.]+)`/.exec(text) ?? [];
      const [, written] = /^`([^`]*)`/.exec(text) ?? [];
      if (field !== undefined) {
        const [set, same] = MESH_FIELDS[field]!;
        expect(value(meshWithField(field, set)), row.names[0]).to.deep.equal(parsed(row, same));
      } else if (written !== undefined) {
        expect(value(mesh), row.names[0]).to.deep.equal(parsed(row, written));
      } else {
        expect(text, row.names[0]).to.match(/^(?:none|the image's|that of the \[Mesh\])/);
        expect([null, '', 0, false, 'none'], row.names[0]).to.include(emptied(value(mesh)));
      }
    }
  });

  it('says of each that keeps clients out what a mistake means', () => {
    const rows = new Map(
      [...page('injection.md').matchAll(/^\| `([^`]+)` \| (.*) \| .*\|$/gm)].map(([, a, b]) => [a!, b!]),
    );
    const said = {
      deny: 'means `deny`',
      disabled: 'means `disabled`',
      '1,65535': 'means all ports',
      true: 'means `true`',
    };
    for (const { names, strictest } of ALL.filter((row) => row.strictest !== null)) {
      expect(rows.get(names[0]), names[0]).to.contain(said[String(strictest!.value) as keyof typeof said]);
    }
  });

  it('names no annotation, on any page, that nobody reads, but those of Linkerd that it says are without effect', () => {
    const known = [...ALL.flatMap(({ names }) => names), ...UNSUPPORTED, ...LABELS];
    for (const name of readdirSync(DOCS).filter((file) => file.endsWith('.md'))) {
      const named = [...page(name).matchAll(NAME)].map(([, annotation]) => annotation!);
      expect(known, name).to.include.members(named);
    }
  });

  it('names every annotation of Linkerd that has no effect', () => {
    const text = page('injection.md');
    const after = text.slice(text.indexOf('have no effect here'));
    const named = [...after.matchAll(/`(config\.[^`]+)`/g)].map(([, name]) => name);
    expect(named).to.have.members(UNSUPPORTED);
  });

  it('has one row for each name', () => {
    const names = [...ALL.flatMap((row) => row.names), ...UNSUPPORTED];
    expect(new Set(names).size).to.equal(names.length);
  });
});

/** Lists of nothing are nothing too. */
function emptied(value: unknown): unknown {
  return Array.isArray(value) && value.length === 0 ? 'none' : value;
}
