import { VIZ_API_VERSION } from '../../../crds/viz/group.ts';
import type { BehindResource, ConfigurationItem, ProxyDetail, ProxyItem } from '../../../crds/viz/proxy-list.ts';
import { isObject } from '../../../lib/json.ts';
import type { HeldConfiguration } from '../../../proxy-image/contract/control/configuration.ts';
import type { ResourceReport, SessionReport } from '../../serve/session-report.ts';

/** @param replica pod of this replica */
export function itemOf(report: SessionReport, replica: string): ProxyItem {
  const { namespace, pod, identity, proxyVersion, revision, connectedMs, acknowledgedMs, subscribed, resources } =
    report;
  return {
    metadata: { name: pod, namespace },
    replica,
    identity,
    version: proxyVersion,
    revision,
    connectedSeconds: seconds(connectedMs),
    acknowledgedSeconds: acknowledgedMs === null ? null : seconds(acknowledgedMs),
    resources: subscribed,
    behind: resources.flatMap(behindOf),
  };
}

function behindOf({ key, state, behindMs, problems }: ResourceReport): BehindResource[] {
  return state === 'current' ? [] : [{ key, state, seconds: seconds(behindMs), problems }];
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}

/** What the proxy has told, or why it could not be asked. */
export type Held = { type: 'told'; resources: readonly HeldConfiguration[] } | { type: 'unasked'; reason: string };

/**
 * One proxy with all of its configuration. What it has is what it says; without an answer, what it has acknowledged. Bodies are told where versions differ.
 */
export function proxyOf(report: SessionReport, replica: string, held: Held): ProxyDetail {
  const told = held.type === 'told' ? new Map(held.resources.map((resource) => [resource.key, resource])) : null;
  const items = report.resources.map((resource): ConfigurationItem => {
    const { key, wanted, wantedText } = resource;
    const own = told === null ? acknowledged(resource) : (told.get(key) ?? null);
    const differs = (own?.version ?? '') !== wanted;
    return {
      key,
      held: own === null ? null : { version: own.version, body: differs ? own.body : null },
      wanted: wanted === '' ? null : { version: wanted, body: differs ? parsed(wantedText) : null },
    };
  });
  const known = new Set(report.resources.map(({ key }) => key));
  const beyond = [...(told?.values() ?? [])].filter(({ key }) => !known.has(key));
  return {
    apiVersion: VIZ_API_VERSION,
    kind: 'Proxy',
    ...itemOf(report, replica),
    // It has let go of them, or is about to: the operator knows of no subscription.
    configuration: [
      ...items,
      ...beyond.map(({ key, version, body }) => ({ key, held: { version, body }, wanted: null })),
    ],
    unasked: held.type === 'unasked' ? held.reason : null,
  };
}

function acknowledged({ held }: ResourceReport): { version: string; body: unknown } | null {
  return held === '' ? null : { version: held, body: null };
}

function parsed(text: string): unknown {
  return text === '' ? null : JSON.parse(text);
}

/** What a proxy has answered to the verb `configuration`; anything else in it is passed over. */
export function heldIn(answers: readonly unknown[]): HeldConfiguration[] {
  return answers.flatMap((answer) => {
    if (!isObject(answer)) return [];
    const { key, version, body } = answer;
    return typeof key === 'string' && typeof version === 'string' ? [{ key, version, body: body ?? null }] : [];
  });
}
