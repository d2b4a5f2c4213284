import { MESH, parseMesh } from '../../crds/kinds/mesh/parse.ts';
import { parseServer, SERVER } from '../../crds/kinds/server/parse.ts';
import { parseServerAuthorization, SERVER_AUTHORIZATION } from '../../crds/kinds/server-authorization/parse.ts';
import { parseServiceProfile, SERVICE_PROFILE } from '../../crds/kinds/service-profile/parse.ts';
import { parseTrafficSplit, TRAFFIC_SPLIT } from '../../crds/kinds/traffic-split/parse.ts';
import type { Kind } from '../../crds/parse/resource.ts';
import type { Parsed } from '../../crds/types/problem.ts';

/** A kind that is judged by its parser: what the operator would report as a condition is refused before it is stored. */
export interface ValidatedKind extends Kind {
  plural: string;
  scope: 'Namespaced' | 'Cluster';
  parse: (raw: unknown) => Parsed<unknown>;
}

export const VALIDATED_KINDS: readonly ValidatedKind[] = [
  { ...SERVICE_PROFILE, plural: 'serviceprofiles', scope: 'Namespaced', parse: parseServiceProfile },
  { ...TRAFFIC_SPLIT, plural: 'trafficsplits', scope: 'Namespaced', parse: parseTrafficSplit },
  { ...SERVER, plural: 'servers', scope: 'Namespaced', parse: parseServer },
  { ...SERVER_AUTHORIZATION, plural: 'serverauthorizations', scope: 'Namespaced', parse: parseServerAuthorization },
  { ...MESH, plural: 'meshes', scope: 'Cluster', parse: parseMesh },
];
