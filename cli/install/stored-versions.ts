import { ApiError } from '../cluster/cluster.ts';
import { CliError } from '../errors.ts';
import type { Api } from './api.ts';
import { asDefinition, type Definition } from './definitions.ts';
import { type KubeObject, nameOf } from './object.ts';
import type { Steps } from './steps.ts';

/**
 * Versions in which objects may lie in the API server's store, as it has written down (`status.storedVersions`): each that was the one to store since the definition is there.
 * None is ever taken off that list by itself.
 */
export function storedVersions(present: KubeObject): readonly string[] {
  return (present as { status?: { storedVersions?: readonly string[] } }).status?.storedVersions ?? [];
}

/** The version that objects are stored in from now on. */
function storageOf({ spec }: Definition): string {
  return spec.versions.find(({ storage }) => storage)?.name ?? '';
}

/** Versions beside that which `own` stores: a release may not drop one while it is among them. */
export function storedBeside(own: Definition, present: KubeObject): string[] {
  return storedVersions(present).filter((version) => version !== storageOf(own));
}

/** Versions that `own` does not have any more: the API server refuses it while it may have objects in them. */
export function storedButDropped(own: Definition, present: KubeObject): string[] {
  return storedVersions(present).filter((version) => !own.spec.versions.some(({ name }) => name === version));
}

/**
 * Before anything is applied: half of an upgrade helps nobody.
 * @throws CliError WEFT_INSTALL_STORED_VERSION naming definitions and versions
 */
export function refuseDropped(wanted: readonly KubeObject[], present: readonly KubeObject[]): void {
  const lines = wanted.flatMap((own) => {
    const found = present.find(({ metadata }) => metadata.name === own.metadata.name);
    const versions = found === undefined ? [] : storedButDropped(asDefinition(own), found);
    return versions.length === 0 ? [] : [`${own.metadata.name} may have objects stored as ${versions.join(', ')}`];
  });
  if (lines.length > 0) throw new CliError('WEFT_INSTALL_STORED_VERSION', lines.join('; '));
}

/**
 * Writes every object of definitions that may have some in another version, as it is: the API server stores it in the version of now. Then says so in `status.storedVersions`.
 * @returns a line for each definition whose objects were written
 */
export async function storeAnew(steps: Steps, definitions: readonly KubeObject[]): Promise<string[]> {
  const lines: string[] = [];
  for (const own of definitions) {
    const present = await steps.api.get(own);
    const versions = present === null ? [] : storedBeside(asDefinition(own), present);
    if (present === null || versions.length === 0) continue;
    const storage = storageOf(asDefinition(own));
    await steps.phase(`objects of ${own.metadata.name}, stored as ${storage}`, async () => {
      const count = await writeAll(steps.api, asDefinition(own), storage);
      await steps.api.setStoredVersions(present, [storage]);
      lines.push(`${nameOf(own)}: ${count} objects, none stored as ${versions.join(', ')}`);
    });
  }
  return lines;
}

async function writeAll(api: Api, { spec: { group, names } }: Definition, version: string): Promise<number> {
  const objects = await api.customObjects(group, version, names.plural);
  for (const object of objects) {
    try {
      await api.replace(object, names.plural);
    } catch (error) {
      // Whoever has changed it since has stored it anew by that; one that is gone is stored nowhere.
      if (!(error instanceof ApiError && (error.status === 409 || error.status === 404))) throw error;
    }
  }
  return objects.length;
}
