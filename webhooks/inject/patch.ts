import { parseImage, versionOf } from '../../crds/annotations/image.ts';
import type { Annotations } from '../../crds/annotations/reader.ts';
import { INJECT } from '../../crds/annotations/workload.ts';
import type { MeshModel } from '../../crds/kinds/mesh/model.ts';
import type { PodModel } from '../../crds/kinds/pod/model.ts';
import { reducePod } from '../../crds/kinds/pod/parse.ts';
import { child } from '../../crds/parse/metadata.ts';
import { readPortRanges } from '../../crds/scalars/port.ts';
import { isObject } from '../../lib/json.ts';
import { type AddOperation, addEntries, addItems, pointer } from '../json-patch.ts';
import { initContainer, proxyContainer } from './containers.ts';
import { type Decision, decide } from './decide.ts';
import { type Demand, meetDemands } from './demands.ts';
import { doubts, skipWarnings } from './doubts.ts';
import { podAnnotations, podLabels } from './metadata.ts';
import { fitIntoPod } from './pod-resources.ts';
import { type Relay, relayProbes } from './probes.ts';
import { type ProxySettings, resolveSettings } from './settings.ts';
import { proxyVolumes } from './volumes.ts';

export interface InjectionInput {
  /** core/v1 Pod, unchecked. */
  pod: unknown;
  /** Of the request: a pod under creation need not name its own. */
  namespace: string;
  namespaceAnnotations: Annotations;
  namespaceLabels: Readonly<Record<string, string>>;
  /** What quotas of the namespace demand of every container. */
  demands: readonly Demand[];
  mesh: MeshModel;
  trustAnchorsPem: string;
  /** The operator's own proxy image, for a Mesh that names none. */
  defaultImage: string;
  /** Version of the operator. */
  version: string;
}

export interface Injection {
  decision: Decision;
  owner: PodModel['owner'];
  /** Empty when nothing is injected. The same input gives the same bytes. */
  patch: AddOperation[];
  /** For people: legal, but not what they may think. */
  warnings: string[];
}

/** Injection as a pure function; never throws, whatever the pod is. */
export function inject(input: InjectionInput): Injection {
  const pod = reducePod(input.pod);
  const { namespaceAnnotations: annotations, namespaceLabels: labels } = input;
  const decision = decide(input.pod, { annotations, labels });
  const result: Injection = { decision, owner: pod.owner, patch: [], warnings: [] };
  if (!decision.inject) return { ...result, warnings: skipWarnings(decision, pod) };
  const resolved = resolveSettings({ ...input, pod });
  const fitted = fitIntoPod(resolved.settings.resources, child(input.pod, 'spec'));
  const met = meetDemands(fitted.resources, input.demands, child(input.pod, 'spec'));
  const settings = { ...resolved.settings, resources: met.resources };
  result.patch = patchOf(input, pod, settings, resolved.inherited, decision.annotationAt);
  result.warnings = [
    ...resolved.warnings,
    ...fitted.warnings,
    ...met.warnings,
    ...doubts(input.pod, pod, decision.mode, settings, input.mesh.proxy).map(({ text }) => text),
  ];
  return result;
}

function patchOf(
  input: InjectionInput,
  pod: PodModel,
  settings: ProxySettings,
  inherited: Annotations,
  annotationAt: 'workload' | 'namespace',
): AddOperation[] {
  const metadata = child(input.pod, 'metadata');
  const spec = child(input.pod, 'spec');
  const wish = input.namespaceAnnotations[INJECT.names[0]] ?? '';
  const fromNamespace = annotationAt === 'namespace' ? { ...inherited, [INJECT.names[0]]: wish } : inherited;
  const annotations = podAnnotations({ ...input, raw: input.pod, pod, settings, inherited: fromNamespace });
  const relay = relayOf(input, settings);
  const proxy = proxyContainer(settings, { ...input, serviceAccount: pod.serviceAccount, probes: relay.probes });
  const initContainers = settings.nativeSidecar ? [initContainer(settings), proxy] : [initContainer(settings)];
  return [
    ...objectAt('metadata', metadata),
    ...addEntries(['metadata', 'annotations'], isObject(child(metadata, 'annotations')), annotations),
    ...addEntries(['metadata', 'labels'], isObject(child(metadata, 'labels')), podLabels(pod, input.namespace)),
    ...objectAt('spec', spec),
    // By place in the lists of containers, so before anything is put in front of them.
    ...relay.patch,
    ...addItems(['spec', 'volumes'], hasList(spec, 'volumes'), 'end', proxyVolumes(settings.source)),
    ...addItems(['spec', 'initContainers'], hasList(spec, 'initContainers'), 'front', initContainers),
    ...(settings.nativeSidecar
      ? []
      : addItems(['spec', 'containers'], hasList(spec, 'containers'), settings.await ? 'front' : 'end', [proxy])),
  ];
}

/** An image that a pod has chosen by itself may be of a time that knows no relayed probes: its containers would never become ready. */
function relayOf({ pod, defaultImage }: InjectionInput, settings: ProxySettings): Relay {
  const own = parseImage(defaultImage);
  if (!settings.relayProbes || own === null || settings.version !== versionOf(own)) return { probes: [], patch: [] };
  const { ports, skipInboundPorts, opaquePorts } = settings;
  return relayProbes(pod, {
    admin: ports.admin,
    skipped: readPortRanges(skipInboundPorts),
    opaque: readPortRanges(opaquePorts),
  });
}

/** What is absent, `null`, or of another type (which no API server sends) is replaced: a patch must always apply. */
function objectAt(key: string, value: unknown): AddOperation[] {
  return isObject(value) ? [] : [{ op: 'add', path: pointer(key), value: {} }];
}

function hasList(parent: unknown, key: string): boolean {
  return Array.isArray(child(parent, key));
}
