import { CliError } from '../errors.ts';
import { isOurs, type KubeObject } from './object.ts';

interface Version {
  name: string;
  served: boolean;
  storage: boolean;
  subresources?: { status?: object };
}

/** Of a definition, as far as they are compared. */
export interface Versions {
  spec: { versions: Version[] };
}

/** What of a CustomResourceDefinition of apiextensions.k8s.io/v1 is looked at. */
export interface Definition {
  metadata: { name: string; labels?: Record<string, string> };
  spec: { group: string; names: { plural: string }; versions: Version[] };
}

/** What Weft misses in a definition that somebody else (Linkerd, linkerd-smi) has installed. */
export type Lack = { type: 'nothing' } | { type: 'version'; version: string } | { type: 'status'; version: string };

/** The operator reads each kind in the version that Weft's own definition stores, and writes the status there. */
export function lackOf(own: Versions, foreign: Versions): Lack {
  const version = own.spec.versions.find(({ storage }) => storage)?.name ?? '';
  const served = foreign.spec.versions.find(({ name, served }) => served && name === version);
  if (served === undefined) return { type: 'version', version };
  return served.subresources?.status === undefined ? { type: 'status', version } : { type: 'nothing' };
}

/** What is to be applied of the definitions, and what is said of those that stay. */
export interface DefinitionsPlan {
  wanted: readonly KubeObject[];
  /** Names of those of others: where they are replaced, their fields are taken. */
  foreign: ReadonlySet<string>;
  lines: readonly string[];
}

/**
 * Definitions of others stay as they are unless `upgrade`; what Weft misses in them is said.
 * @throws CliError WEFT_INSTALL_DEFINITION where one of them does not serve the version that the operator reads
 */
export function definitionsPlan(
  own: readonly KubeObject[],
  present: readonly KubeObject[],
  upgrade: boolean,
): DefinitionsPlan {
  const others = new Map(present.filter((one) => !isOurs(one)).map((one) => [one.metadata.name, one]));
  const foreign = new Set(own.map(({ metadata }) => metadata.name).filter((name) => others.has(name)));
  if (upgrade) return { wanted: own, foreign, lines: [] };
  const lines = own.flatMap((definition) => {
    const other = others.get(definition.metadata.name);
    return other === undefined ? [] : report(asDefinition(definition), asDefinition(other));
  });
  return { wanted: own.filter(({ metadata }) => !foreign.has(metadata.name)), foreign, lines };
}

function report(own: Definition, foreign: Definition): string[] {
  const { name } = own.metadata;
  const lack = lackOf(own, foreign);
  if (lack.type === 'version') {
    throw new CliError('WEFT_INSTALL_DEFINITION', `${name} is not served as ${lack.version}`);
  }
  const stays = `${name} was installed by somebody else and is left as it is`;
  if (lack.type === 'nothing') return [stays];
  return [
    stays,
    `WARNING: ${name} has no status subresource in ${lack.version}: its objects are in force, but their status stays empty. --upgrade-crds replaces it`,
  ];
}

/** The API server has checked its shape, and a test that of our own. */
export function asDefinition(object: KubeObject): Definition {
  return object as unknown as Definition;
}
