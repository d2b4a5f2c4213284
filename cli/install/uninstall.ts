import { CONTROL_PLANE_NAMESPACE, CONTROL_PLANE_SERVICE } from '../../proxy-image/contract/names.ts';
import { CliError } from '../errors.ts';
import { API_SERVICES } from './api-services.ts';
import { injectedPods, listed } from './injected.ts';
import { isProgram } from './installed-operator.ts';
import { type Identity, isOurs, type KubeObject, nameOf, OURS } from './object.ts';
import type { Installation } from './objects.ts';
import { SELECTOR } from './resources.ts';
import type { Steps } from './steps.ts';
import { until } from './wait.ts';
import { WEBHOOKS } from './webhooks.ts';

const REMOVAL_LIMIT_MS = 120_000;
/** Most definitions are gone within one. */
const TOUCH_MS = 2_000;

export interface UninstallOptions {
  /** Although pods have proxies that nobody configures then. */
  force: boolean;
  /** The root of trust and all custom resources too. */
  purge: boolean;
}

/** Objects of the cluster that go together, in the order in which they go. */
export interface Removal {
  text: string;
  objects: readonly KubeObject[];
}

export interface RemovalPlan {
  removals: readonly Removal[];
  /** Pods that have a proxy, and will keep it. */
  injected: readonly string[];
  /** What has a name of ours and is somebody else's. */
  lines: readonly string[];
}

/**
 * The one object without a label: the operator makes it, in its own namespace. A lease that an operator could not give back would keep the next one from
 * leading.
 */
const LEASE: Identity = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: CONTROL_PLANE_SERVICE, namespace: CONTROL_PLANE_NAMESPACE },
};

/**
 * What an uninstallation removes of this cluster: what has a name of the installation *and* its label. A name alone proves nothing: what somebody else has put
 * there is left, and said. The operator goes first, with its pods: it would make its webhook configurations anew.
 * @throws CliError WEFT_UNINSTALL_INJECTED naming the pods that have a proxy, unless `force`
 */
export async function planRemoval(
  { api }: Pick<Steps, 'api'>,
  { definitions, controlPlane }: Installation,
  options: UninstallOptions,
): Promise<RemovalPlan> {
  const injected = await injectedPods(api);
  if (injected.length > 0 && !options.force) throw new CliError('WEFT_UNINSTALL_INJECTED', listed(injected));
  const lines: string[] = [];
  const present = async (identities: readonly Identity[]): Promise<KubeObject[]> => {
    const found: KubeObject[] = [];
    for (const identity of identities) {
      const object = await api.get(identity);
      if (object === null) continue;
      if (isOurs(object) || identity === LEASE) found.push(object);
      else lines.push(`left: ${nameOf(object)} is not of this installation: it has no label ${OURS.join('=')}`);
    }
    return found;
  };
  const isNamespace = ({ kind }: KubeObject) => kind === 'Namespace';
  const rest = controlPlane.filter((object) => !isProgram(object) && !isNamespace(object)).toReversed();
  const removals: Removal[] = [
    { text: 'operator', objects: await present(controlPlane.filter(isProgram)) },
    // With nobody to serve it, it would keep every namespace from being deleted.
    { text: 'aggregated API', objects: await present(API_SERVICES) },
    { text: 'webhooks', objects: await present(WEBHOOKS) },
    { text: 'control plane', objects: await present([LEASE, ...rest]) },
  ];
  if (options.purge) {
    const secrets = await api.list('v1', 'Secret', SELECTOR, CONTROL_PLANE_NAMESPACE);
    const namespaces = await present(controlPlane.filter(isNamespace));
    removals.push(
      { text: 'root of trust', objects: [...secrets, ...namespaces] },
      {
        text: 'custom resource definitions, and with them all custom resources',
        objects: await ownDefinitions({ api }, definitions),
      },
    );
  }
  return { removals: removals.filter(({ objects }) => objects.length > 0), injected, lines };
}

/** Those of earlier versions too. Definitions of others that are in use are nothing to speak of. */
async function ownDefinitions({ api }: Pick<Steps, 'api'>, definitions: readonly KubeObject[]): Promise<KubeObject[]> {
  const [first] = definitions;
  return first === undefined ? [] : api.list(first.apiVersion, first.kind, SELECTOR);
}

/** Removes what `planRemoval` finds. Once the operator is gone it is looked anew: until then it may have made something. */
export async function uninstall(
  steps: Steps,
  installation: Installation,
  options: UninstallOptions,
): Promise<RemovalPlan> {
  const first = await planRemoval(steps, installation, options);
  await removeAll(
    steps,
    first.removals.filter(({ objects }) => objects.some(isProgram)),
  );
  const rest = await planRemoval(steps, installation, { ...options, force: true });
  for (const line of rest.lines) steps.note(line);
  await removeAll(steps, rest.removals);
  return first;
}

/** Removes and waits until each is gone, with what it owns. */
export async function removeAll(steps: Steps, removals: readonly Removal[]): Promise<void> {
  for (const { text, objects } of removals) {
    await steps.phase(text, async () => {
      for (const object of objects) await steps.api.remove(object);
      for (const object of objects) await untilGone(steps, object);
    });
  }
}

function untilGone(steps: Steps, object: KubeObject): Promise<void> {
  const { uid } = object.metadata;
  const waiting = object.kind === 'CustomResourceDefinition' ? touching(steps, object) : steps;
  return until(waiting, object, 'gone', REMOVAL_LIMIT_MS, (found) => found === null || found.metadata.uid !== uid);
}

/**
 * Waits like `steps`, and touches the definition now and then. The API server can forget one that is going: what removes its objects fails while their storage is
 * made anew, tries again with a copy that is stale by its own last change, gives that up for a later change to wake it, and does not count its own as one
 * (kube-apiserver, `crd_finalizer.go`). It would look again after five minutes.
 */
function touching(steps: Steps, object: KubeObject): Steps {
  let touchedMs = steps.clock.nowMs();
  const sleep = async (ms: number) => {
    await steps.sleep(ms);
    const nowMs = steps.clock.nowMs();
    if (nowMs - touchedMs < TOUCH_MS) return;
    touchedMs = nowMs;
    await steps.api.touch(object, nowMs);
  };
  return { ...steps, sleep };
}

/** What whoever forced it has to know of the pods that keep their proxy. */
export function consequences(injected: readonly string[], purged: boolean): string {
  const trust = purged
    ? 'a later installation has another root of trust, which they refuse: restart them then'
    : 'a later installation takes them up again';
  return [
    `${injected.length} pods still have a proxy (${listed(injected)}).`,
    'They serve with what they know for as long as their certificates last (a day at most), and do not learn of pods that are replaced;',
    `restart them to have them without a proxy; ${trust}.`,
  ].join('\n');
}
