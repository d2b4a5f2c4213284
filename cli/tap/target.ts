import { TAPPED_KINDS, type TappedResource, type TapTarget } from '../../crds/viz/tap.ts';
import { CliError } from '../errors.ts';
import { type ResourceArgument, resourceOf } from '../resources/arguments.ts';
import { NAMESPACE, POD, type ResourceKind, SERVICE, WORKLOAD_KINDS } from '../resources/kinds.ts';

/** Kinds whose traffic can be shown. */
export const TAPPED: readonly ResourceKind[] = [...WORKLOAD_KINDS, POD, SERVICE, NAMESPACE];

/** Of which traffic an argument speaks; `namespace`: where its objects are looked for, `null` = everywhere. */
export function tappedBy({ kind, name }: ResourceArgument, namespace: string | null): TapTarget {
  if (kind === NAMESPACE) return { namespace: name ?? namespace, resource: null, name: null };
  const resource = resourceNamed(kind);
  if (name !== null && namespace === null) {
    throw new CliError('WEFT_CLI_USAGE', 'an object is in one namespace: -A takes no name');
  }
  if (name === null && resource === 'services') {
    throw new CliError('WEFT_CLI_USAGE', 'which Service? svc/NAME');
  }
  return { namespace, resource, name };
}

/** `--to`: `deployments/web`, `namespaces/shop`. */
export function toOf(text: string): string {
  const { kind, name } = resourceOf([text], TAPPED);
  if (name === null) throw new CliError('WEFT_CLI_USAGE', `--to ${text}: which one? TYPE/NAME`);
  return `${kind.plural}/${name}`;
}

function resourceNamed({ plural }: ResourceKind): TappedResource {
  if (Object.hasOwn(TAPPED_KINDS, plural)) return plural as TappedResource;
  throw new CliError('WEFT_CLI_USAGE', `${plural} cannot be tapped`);
}
