import { MESH } from '../../../crds/kinds/mesh/model.ts';
import { NAMESPACE } from '../../../crds/kinds/namespace/model.ts';
import { POD } from '../../../crds/kinds/pod/model.ts';
import { child, listOf, textOf } from '../../../crds/parse/metadata.ts';
import { CONTROL_PLANE_NAMESPACE, INIT_CONTAINER, PROXY_CONTAINER } from '../../../proxy-image/contract/names.ts';
import { restartOf } from '../../../webhooks/inject/restart.ts';
import { proxyVolumes } from '../../../webhooks/inject/volumes.ts';
import { isVouchedFor, meshTrustOf } from '../facts/certificates.ts';
import type { Category, Check, Finding } from '../facts/check.ts';
import type { Facts, ObservedPod } from '../facts/facts.ts';
import { about, flag, objectName } from '../facts/name.ts';
import { wantedSettings } from '../facts/operator.ts';
import { type ContainerState, containerStates, endText, isLooping, lacksImage } from '../facts/pod-state.ts';
import { anchorsOf } from '../facts/proxy.ts';

/** Since when a container must be up before it is late. */
const READY_WITHIN_MS = 60_000;

const PROXIES: readonly Check[] = [
  {
    code: 'data-plane-namespace',
    description: 'data plane namespace exists',
    severity: 'error',
    needs: [NAMESPACE.id],
    run: namespaceMissing,
  },
  {
    code: 'init-failed',
    description: 'redirection of traffic is set up in every pod',
    severity: 'error',
    needs: [POD.id],
    run: (facts) => ofContainer(facts, INIT_CONTAINER, hasFailed, failureText, (pod) => logs(pod, INIT_CONTAINER)),
  },
  {
    code: 'proxy-image',
    description: 'proxy images can be pulled',
    severity: 'error',
    needs: [POD.id],
    run: (facts) =>
      facts.meshed.flatMap(({ raw, model }) =>
        containerStates(raw)
          .filter((state) => [PROXY_CONTAINER, INIT_CONTAINER].includes(state.name) && lacksImage(state))
          .slice(0, 1)
          .map(({ waiting, message }) =>
            about(
              POD.kind,
              raw,
              `the proxy's image cannot be had: ${waiting} ${message}`.trimEnd(),
              `kubectl ${flag(model.meta.namespace)}describe pod ${model.meta.name}`,
            ),
          ),
      ),
  },
  {
    code: 'proxy-restarting',
    description: 'data plane proxies do not restart again and again',
    severity: 'error',
    needs: [POD.id],
    run: (facts) =>
      ofContainer(
        facts,
        PROXY_CONTAINER,
        (state) => isLooping(state, facts.nowMs),
        endText,
        (pod) => `${logs(pod, PROXY_CONTAINER)} --previous`,
      ),
  },
  {
    code: 'proxy-not-ready',
    description: 'data plane proxies are ready',
    severity: 'error',
    needs: [POD.id],
    run: (facts) =>
      ofContainer(
        facts,
        PROXY_CONTAINER,
        (state, pod) => isLate(state, pod, facts.nowMs),
        () => 'is not ready',
        (pod) => logs(pod, PROXY_CONTAINER),
      ),
  },
  {
    code: 'proxy-token',
    description: 'data plane proxies have a token to prove their ServiceAccount with',
    severity: 'error',
    needs: [POD.id, MESH.id, NAMESPACE.id, 'controlPlane'],
    run: withoutToken,
  },
];

export const DATA_PLANE: Category = { name: 'weft-data-plane', isOfWorkloads: true, checks: PROXIES };

export const PROXY_IDENTITY: Category = {
  name: 'weft-identity-data-plane',
  isOfWorkloads: true,
  checks: [
    {
      code: 'proxy-trust',
      description: 'data plane proxies certificate match CA',
      severity: 'warning',
      needs: [POD.id, MESH.id, 'secrets', 'anchors'],
      run: foreignTrust,
    },
  ],
};

function namespaceMissing(facts: Facts): Finding[] {
  const { namespace } = facts.observed;
  if (namespace === null || facts.find(NAMESPACE.id, namespace) !== undefined) return [];
  const object = objectName(NAMESPACE.kind, namespace);
  return [{ object, namespace, reason: 'it does not exist', remedy: 'kubectl get namespaces' }];
}

function logs({ model }: ObservedPod, container: string): string {
  return `kubectl ${flag(model.meta.namespace)}logs ${model.meta.name} -c ${container}`;
}

function ofContainer(
  facts: Facts,
  container: string,
  isWrong: (state: ContainerState, pod: unknown) => boolean,
  reason: (state: ContainerState) => string,
  remedy: (pod: ObservedPod) => string,
): Finding[] {
  return facts.meshed.flatMap((pod) =>
    containerStates(pod.raw)
      .filter((state) => state.name === container && isWrong(state, pod.raw))
      .map((state) => about(POD.kind, pod.raw, `container ${container} ${reason(state)}`, remedy(pod))),
  );
}

function hasFailed({ waiting, ended, running }: ContainerState): boolean {
  return waiting === 'CrashLoopBackOff' || (ended !== null && ended.exitCode !== 0 && !running);
}

function failureText({ ended, message }: ContainerState): string {
  return ended === null
    ? `fails: ${message}`
    : `has failed with ${ended.reason || 'an error'} (exit code ${ended.exitCode})`;
}

/** What is looping, or has no image, is told by another check; what has just begun is given time. */
function isLate(state: ContainerState, pod: unknown, nowMs: number): boolean {
  if (state.ready || lacksImage(state) || isLooping(state, nowMs) || !isBeyondInit(pod)) return false;
  const startedMs = Date.parse(textOf(child(pod, 'status'), 'startTime'));
  return !(nowMs - startedMs < READY_WITHIN_MS);
}

/** A native sidecar waits for the init containers before it. */
function isBeyondInit(pod: unknown): boolean {
  const init = containerStates(pod).find(({ name }) => name === INIT_CONTAINER);
  return init === undefined || init.ended?.exitCode === 0;
}

/** The volume that injection has added, as it adds it now: admission of others may have taken it out, or its audience away. */
function withoutToken(facts: Facts): Finding[] {
  return facts.meshed.flatMap(({ raw, model }) => {
    const wanted = proxyVolumes(wantedSettings(facts, model)?.settings.source ?? 'operator');
    const held = listOf(child(raw, 'spec'), 'volumes');
    const lacking = wanted.filter((volume) => {
      const found = held.find((each) => textOf(each, 'name') === volume.name);
      return found === undefined || audienceOf(found) !== audienceOf(volume);
    });
    if (lacking.length === 0) return [];
    const names = lacking.map(({ name }) => name).join(', ');
    return [
      about(
        POD.kind,
        raw,
        `it lacks the volume ${names} as the proxy needs it: it gets no certificate`,
        restartOf(model),
      ),
    ];
  });
}

function audienceOf(volume: unknown): string {
  const [source] = listOf(child(volume, 'projected'), 'sources');
  return textOf(child(source, 'serviceAccountToken'), 'audience');
}

/**
 * A proxy gets new anchors with each certificate; one that trusts none of the present ones, nor one that vouches for a present one (as rotations leave it in
 * the chain), cannot ask for any.
 */
function foreignTrust(facts: Facts): Finding[] {
  const {
    anchors: { kind, name },
    held: { anchors, chain },
  } = meshTrustOf(facts);
  const present = new Set(anchors.map(({ fingerprint256 }) => fingerprint256));
  if (present.size === 0) return [];
  return facts.meshed.flatMap(({ raw, model }) => {
    const own = anchorsOf(raw);
    if (own.length === 0 || own.some(({ fingerprint256 }) => present.has(fingerprint256))) return [];
    if (isVouchedFor(chain, own)) return [];
    const reason = `it was made to trust other anchors than those of ${kind} ${name} in ${CONTROL_PLANE_NAMESPACE}`;
    return [about(POD.kind, raw, reason, restartOf(model))];
  });
}
