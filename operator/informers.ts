import { reduceEndpointSlice } from '../crds/kinds/endpoint-slice/parse.ts';
import { MESH, parseMesh } from '../crds/kinds/mesh/parse.ts';
import { reduceNamespace } from '../crds/kinds/namespace/parse.ts';
import { reducePod } from '../crds/kinds/pod/parse.ts';
import { parseServer, SERVER } from '../crds/kinds/server/parse.ts';
import { parseServerAuthorization, SERVER_AUTHORIZATION } from '../crds/kinds/server-authorization/parse.ts';
import { reduceService } from '../crds/kinds/service/parse.ts';
import { parseServiceProfile, SERVICE_PROFILE } from '../crds/kinds/service-profile/parse.ts';
import { parseTrafficSplit, TRAFFIC_SPLIT } from '../crds/kinds/traffic-split/parse.ts';
import { child, readMeta, textOf } from '../crds/parse/metadata.ts';
import type { Kind } from '../crds/parse/resource.ts';
import type { Parsed } from '../crds/types/problem.ts';
import type { Random } from '../lib/clock.ts';
import { listWatch } from './kube/list-watch.ts';
import type { ResourceType } from './kube/resources.ts';
import type { RestClient } from './kube/rest.ts';
import type { CustomResource } from './reconcilers/custom-resource.ts';
import type { Clock } from './runtime/clock.ts';
import { Informer } from './runtime/informer.ts';
import type { RawObject } from './runtime/list-watch.ts';
import type { Log } from './runtime/log.ts';
import type { ReflectorTiming } from './runtime/reflector.ts';

/** The version that is watched is the stored one: it costs the API server no conversion. */
export const WATCHED = {
  services: { group: '', version: 'v1', plural: 'services' },
  endpointSlices: { group: 'discovery.k8s.io', version: 'v1', plural: 'endpointslices' },
  pods: { group: '', version: 'v1', plural: 'pods' },
  namespaces: { group: '', version: 'v1', plural: 'namespaces' },
  serviceProfiles: custom(SERVICE_PROFILE, 'v1alpha2', 'serviceprofiles'),
  trafficSplits: custom(TRAFFIC_SPLIT, 'v1alpha1', 'trafficsplits'),
  servers: custom(SERVER, 'v1beta3', 'servers'),
  serverAuthorizations: custom(SERVER_AUTHORIZATION, 'v1beta1', 'serverauthorizations'),
  meshes: custom(MESH, 'v1alpha1', 'meshes'),
} as const satisfies Record<string, ResourceType>;

function custom({ group }: Kind, version: string, plural: string): ResourceType {
  return { group, version, plural };
}

export interface InformerParts {
  rest: RestClient;
  clock: Clock;
  random: Random;
  log: Log;
  timing: Partial<ReflectorTiming>;
}

/** One cache per kind, each reduced to its model while the bytes are fresh. */
export function createInformers(parts: InformerParts) {
  const of = <T>(type: ResourceType, transform: (raw: RawObject) => T) =>
    new Informer<RawObject, T>({ ...parts, name: type.plural, source: listWatch(parts.rest, type), transform });
  return {
    services: of(WATCHED.services, reduceService),
    endpointSlices: of(WATCHED.endpointSlices, reduceEndpointSlice),
    pods: of(WATCHED.pods, reducePod),
    namespaces: of(WATCHED.namespaces, reduceNamespace),
    serviceProfiles: of(WATCHED.serviceProfiles, parsing(parseServiceProfile)),
    trafficSplits: of(WATCHED.trafficSplits, parsing(parseTrafficSplit)),
    servers: of(WATCHED.servers, parsing(parseServer)),
    serverAuthorizations: of(WATCHED.serverAuthorizations, parsing(parseServerAuthorization)),
    meshes: of(WATCHED.meshes, parsing(parseMesh)),
  };
}

export type Informers = ReturnType<typeof createInformers>;

function parsing<M>(parse: (raw: unknown) => Parsed<M>): (raw: RawObject) => CustomResource<M> {
  return (raw) => ({
    meta: readMeta(raw),
    deleting: textOf(child(raw, 'metadata'), 'deletionTimestamp') !== '',
    parsed: parse(raw),
    status: child(raw, 'status'),
  });
}
