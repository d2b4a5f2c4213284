import { SERVICE_PROFILE } from '../../crds/kinds/service-profile/model.ts';
import { parseServiceProfile } from '../../crds/kinds/service-profile/parse.ts';
import { quote } from '../../crds/scalars/scalar.ts';
import { DescriptionError, type DescriptionProblem } from './description-error.ts';

/** The Service that a profile is for. */
export interface ProfileTarget {
  service: string;
  namespace: string;
  clusterDomain: string;
}

/** A route as it is written; what holds by default is left out, as Linkerd leaves it out. */
export interface WrittenRoute {
  name: string;
  condition: { method: string; pathRegex: string };
  responseClasses?: WrittenResponseClass[];
  isRetryable?: true;
  timeout?: string;
}

export interface WrittenResponseClass {
  condition: { status: { min: number; max: number } };
  isFailure?: true;
}

export interface WrittenProfile {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string };
  spec: { routes: WrittenRoute[] };
}

/** A route, and the line of the description that it comes from. */
export interface DescribedRoute {
  route: WrittenRoute;
  line: number;
}

/** Linkerd's rule for the name: by it a proxy finds the profile of a Service. */
export function profileName({ service, namespace, clusterDomain }: ProfileTarget): string {
  return `${service}.${namespace}.svc.${clusterDomain}`;
}

export const PROFILE_VERSION = `${SERVICE_PROFILE.group}/v1alpha2`;

/**
 * The profile of a Service with these routes, and what the mesh would warn of.
 * @throws DescriptionError: the mesh would refuse the profile
 */
export function profileOf(
  target: ProfileTarget,
  described: readonly DescribedRoute[],
): { profile: WrittenProfile; warnings: DescriptionProblem[] } {
  const profile = {
    apiVersion: PROFILE_VERSION,
    kind: SERVICE_PROFILE.kind,
    metadata: { name: profileName(target), namespace: target.namespace },
    spec: { routes: described.map(({ route }) => route) },
  };
  const { problems } = parseServiceProfile(profile);
  const placed = ({ path, message }: { path: string; message: string }) => placeOf(path, message, described);
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new DescriptionError(errors.map(placed));
  return { profile, warnings: problems.map(placed) };
}

const OF_ROUTE = /^spec\.routes\[(\d+)\]\.?(.*)$/;

/** A problem of the profile, told as one of the description. */
function placeOf(path: string, message: string, described: readonly DescribedRoute[]): DescriptionProblem {
  const [, index = '', field = ''] = OF_ROUTE.exec(path) ?? [];
  const origin = index === '' ? undefined : described[Number(index)];
  if (origin === undefined) return { line: 1, message: `${path} ${message}` };
  return { line: origin.line, message: `${quote(origin.route.name)}: ${field} ${message}` };
}
