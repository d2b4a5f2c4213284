import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { manifestFiles } from '../../crds/manifest.ts';
import { ControlPlaneError } from '../../proxy-image/contract/control-plane-errors.ts';
import { apply, getJson, kubectl, phase } from './kubectl.ts';
import { OURS } from './manifests.ts';

interface Version {
  name: string;
  served: boolean;
  storage: boolean;
  subresources?: { status?: object };
}

/** What of a CustomResourceDefinition of apiextensions.k8s.io/v1 is looked at. */
export interface Definition {
  metadata: { name: string; labels?: Record<string, string> };
  spec: { versions: Version[] };
}

interface OwnDefinition {
  text: string;
  definition: Definition;
}

function ownDefinitions(): OwnDefinition[] {
  return manifestFiles().map((file) => {
    const text = readFileSync(file, 'utf8');
    return { text, definition: parseAllDocuments(text)[0]?.toJS() as Definition };
  });
}

/** What Weft misses in a definition that somebody else (Linkerd, linkerd-smi) has installed. */
export type Lack = { type: 'nothing' } | { type: 'version'; version: string } | { type: 'status'; version: string };

/** The operator reads each kind in the version that Weft's own definition stores, and writes the status there. */
export function lackOf(own: Definition, foreign: Definition): Lack {
  const version = own.spec.versions.find(({ storage }) => storage)?.name ?? '';
  const served = foreign.spec.versions.find(({ name, served }) => served && name === version);
  if (served === undefined) return { type: 'version', version };
  return served.subresources?.status === undefined ? { type: 'status', version } : { type: 'nothing' };
}

async function definitionsOfOthers(): Promise<Map<string, Definition>> {
  const [key, value] = OURS;
  const { items } = await getJson<{ items: Definition[] }>('customresourcedefinitions');
  const others = items.filter(({ metadata }) => metadata.labels?.[key] !== value);
  return new Map(others.map((definition) => [definition.metadata.name, definition]));
}

/**
 * Definitions of others stay as they are unless `upgrade`; what Weft misses in them is said.
 * @throws ControlPlaneError WEFT_INSTALL_DEFINITION where one of them does not serve the version that the operator reads
 */
export async function installDefinitions(options: { upgrade: boolean; force: boolean }): Promise<void> {
  const others = await definitionsOfOthers();
  const all = ownDefinitions();
  const wanted = options.upgrade ? all : all.filter(({ definition }) => !others.has(definition.metadata.name));
  for (const { definition } of all) {
    const other = others.get(definition.metadata.name);
    if (other !== undefined && !options.upgrade) report(definition, other);
  }
  await phase(`custom resource definitions: ${wanted.length}`, async () => {
    for (const { text, definition } of wanted) await apply(text, options.force || others.has(definition.metadata.name));
    const names = wanted.map(({ definition }) => `customresourcedefinition/${definition.metadata.name}`);
    if (names.length > 0) await kubectl(['wait', '--for=condition=Established', '--timeout=60s', ...names]);
  });
}

function report(own: Definition, foreign: Definition): void {
  const { name } = own.metadata;
  const lack = lackOf(own, foreign);
  if (lack.type === 'version') {
    throw new ControlPlaneError('WEFT_INSTALL_DEFINITION', `${name} is not served as ${lack.version}`);
  }
  console.log(`  ${name} was installed by somebody else and is left as it is`);
  if (lack.type === 'nothing') return;
  console.log(
    `  WARNING: ${name} has no status subresource in ${lack.version}: its objects are in force, but their status stays empty. --upgrade-crds replaces it`,
  );
}

/** With them go all custom resources of every namespace. */
export async function deleteDefinitions(): Promise<void> {
  const selector = OURS.join('=');
  await kubectl(['delete', 'customresourcedefinitions', '--ignore-not-found', '--timeout=120s', '-l', selector]);
}
