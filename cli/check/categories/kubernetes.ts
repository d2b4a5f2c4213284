import { child, readMeta, textOf } from '../../../crds/parse/metadata.ts';
import type { Category, Finding } from '../facts/check.ts';
import { conditionOf } from '../facts/conditions.ts';
import type { Facts } from '../facts/facts.ts';
import { about } from '../facts/name.ts';

/** `[major, minor]` from which on native sidecars (KEP-753) run by default, as which proxies are injected. */
const MINIMUM_KUBERNETES = [1, 29] as const;
/** Bun, which the proxy runs on, needs it. */
const MINIMUM_KERNEL = [5, 1] as const;
/** Linkerd's for its own check: kubelets are late by up to five minutes. */
const API_SKEW_MS = 310_000;
/** A kubelet renews its lease every 10 s, and is taken for dead 40 s after the last time. */
const NODE_SKEW_MS = 60_000;
const NODE_LEASE_MS = 50_000;

export const KUBERNETES_API: Category = {
  name: 'kubernetes-api',
  checks: [
    {
      code: 'not-readable',
      description: 'can read what is to be checked',
      severity: 'warning',
      needs: [],
      run: unreadable,
    },
    {
      code: 'api-clock-skew',
      description: 'no clock skew between this machine and the API server',
      severity: 'warning',
      needs: [],
      run: apiSkew,
    },
  ],
};

export const KUBERNETES_VERSION: Category = {
  name: 'kubernetes-version',
  checks: [
    {
      code: 'kubernetes-version',
      description: `is running at least Kubernetes ${MINIMUM_KUBERNETES.join('.')}`,
      severity: 'error',
      needs: [],
      run: oldKubernetes,
    },
  ],
};

export const NODES: Category = {
  name: 'kubernetes-nodes',
  checks: [
    {
      code: 'node-kernel',
      description: `nodes have a kernel that can carry proxies (${MINIMUM_KERNEL.join('.')})`,
      severity: 'error',
      needs: ['nodes'],
      run: (facts) => linuxNodes(facts).flatMap(oldKernel),
    },
    {
      code: 'node-clock-skew',
      description: 'no clock skew between nodes and the API server',
      severity: 'warning',
      needs: ['nodes', 'nodeLeases'],
      run: nodeSkew,
    },
  ],
};

function unreadable({ observed }: Facts): Finding[] {
  const reasons = new Set(observed.unread.values());
  return [...reasons].map((reason) => ({
    object: 'the API server',
    namespace: '',
    reason,
    remedy: 'kubectl auth can-i --list',
  }));
}

function apiSkew({ observed: { aheadMs } }: Facts): Finding[] {
  if (aheadMs === null || Math.abs(aheadMs) <= API_SKEW_MS) return [];
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  const reason = `its clock is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that of this machine`;
  return [{ object: 'the API server', namespace: '', reason, remedy: 'timedatectl status' }];
}

function oldKubernetes({ observed: { serverVersion } }: Facts): Finding[] {
  const version = /^v?(\d+)\.(\d+)/.exec(serverVersion);
  if (version !== null && isAtLeast(version, MINIMUM_KUBERNETES)) return [];
  const reason = `it is ${serverVersion || 'of an unknown version'}, and ${MINIMUM_KUBERNETES.join('.')} is the oldest that is supported`;
  return [{ object: 'the API server', namespace: '', reason, remedy: 'kubectl version' }];
}

function isAtLeast(found: RegExpExecArray, [major, minor]: readonly [number, number]): boolean {
  const [own, below] = [Number(found[1]), Number(found[2])];
  return own > major || (own === major && below >= minor);
}

function linuxNodes(facts: Facts): readonly unknown[] {
  return facts.list('nodes').filter((node) => textOf(infoOf(node), 'operatingSystem') !== 'windows');
}

function infoOf(node: unknown): unknown {
  return child(child(node, 'status'), 'nodeInfo');
}

function oldKernel(node: unknown): Finding[] {
  const kernel = textOf(infoOf(node), 'kernelVersion');
  const version = /^(\d+)\.(\d+)/.exec(kernel);
  // What the node does not say is no fault of it.
  if (version === null || isAtLeast(version, MINIMUM_KERNEL)) return [];
  const reason = `its kernel is ${kernel}: proxies do not start there`;
  return [about('Node', node, reason, `kubectl drain ${readMeta(node).name} --ignore-daemonsets`)];
}

/** A lease is renewed by the clock of its node: what lies in the future, or too far back while the node is ready, is skew. */
function nodeSkew(facts: Facts): Finding[] {
  return facts.list('nodes').flatMap((node) => {
    const { name } = readMeta(node);
    const lease = facts.list('nodeLeases').find((each) => readMeta(each).name === name);
    const renewedMs = Date.parse(textOf(child(lease, 'spec'), 'renewTime'));
    if (Number.isNaN(renewedMs) || !isReady(node)) return [];
    const aheadMs = renewedMs - facts.nowMs;
    const isSkewed = aheadMs > NODE_SKEW_MS || aheadMs < -(NODE_SKEW_MS + NODE_LEASE_MS);
    if (!isSkewed) return [];
    const seconds = Math.round(Math.abs(aheadMs) / 1000);
    const reason = `its clock is about ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that of the API server: certificates seem expired, or not valid yet, there`;
    return [about('Node', node, reason, `kubectl debug node/${name} -it --image=busybox -- date`)];
  });
}

function isReady(node: unknown): boolean {
  return conditionOf(node, 'Ready')?.status === 'True';
}
