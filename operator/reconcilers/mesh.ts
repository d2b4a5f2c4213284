import type { MeshModel } from '../../crds/kinds/mesh/model.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Outcome } from '../runtime/controller.ts';
import { expiryNote, type HeldAuthority } from '../status/authority.ts';
import { sameJson } from '../status/change.ts';
import { condition, toSeconds, type WantedCondition } from '../status/condition.ts';
import type { LackSummary } from '../status/lacks.ts';
import { sooner } from '../status/pace.ts';
import { proxyShare, UNKNOWN_SHARE } from '../status/programmed.ts';
import type { RotationState } from '../status/rotation.ts';
import type { Verdict } from '../status/verdict.ts';
import type { Seen } from './seen.ts';
import type { Report, StatusPublisher } from './status-publisher.ts';

/** What the Mesh's status tells of the control plane. */
export interface MeshFacts {
  /** null while there is no usable issuer. */
  certificates: {
    anchorNotAfterMs: number;
    issuerNotAfterMs: number;
    trustedAnchors: number;
    isCrossing: boolean;
  } | null;
  /** Everything that signs, the webhooks' CA included. */
  authorities: readonly HeldAuthority[];
  /** The settings that is known of, as the certificates are; `null`: none yet. */
  settings: MeshModel['identity'] | null;
  /** What is wrong with the certificates' Secrets, one sentence each. */
  certificateProblems: readonly string[];
  /** `null`: nothing is known of it yet. */
  rotation: RotationState | null;
  /** What was due and could not be renewed so far, one sentence each. */
  renewalProblems: readonly string[];
  /** Of all replicas; `unseen` and `patienceMs` as of `Progress`. */
  proxies: { connected: number; current: number; unseen: string; patienceMs: number };
  operatorReplicas: number;
  /** What is wrong with the CustomResourceDefinitions in the cluster, one sentence each. */
  definitionProblems: readonly string[];
  /** Names of webhook configurations of other injectors for `linkerd.io/inject`. */
  otherInjectors: readonly string[];
  /** Pods that should have a proxy and have none. */
  lacks: LackSummary;
  /** Whether API servers reach the aggregated API. */
  liveNumbers: { is: 'reached' } | { is: 'unknown' } | { is: 'unreached'; reason: string };
}

export interface MeshDependencies {
  find(key: string): Seen<MeshModel> | undefined;
  facts(): MeshFacts;
  publisher: StatusPublisher;
  clock: Clock;
}

/** Proxies come and go; their number is brought up to date this often. */
const REFRESH_MS = 10_000;

export async function reconcileMesh(given: MeshDependencies, key: string, signal: AbortSignal): Promise<Outcome> {
  const { find, facts, publisher, clock } = given;
  const resource = find(key);
  if (resource === undefined || resource.deleting) {
    publisher.forget(key);
    return;
  }
  await publisher.greet(key, resource, signal);
  const known = facts();
  // The Mesh is looked at again when the Secrets have been; until then its status speaks of the generation before.
  if (!isKnownOf(resource, known)) return { requeueAfterMs: REFRESH_MS };
  const report = meshReport(resource, known, clock.wallMs(), publisher.presentShare(key, resource));
  const waitMs = await publisher.publish(key, resource, report, signal);
  return { requeueAfterMs: sooner(REFRESH_MS, waitMs) };
}

function isKnownOf({ parsed: { model } }: Seen<MeshModel>, { settings }: MeshFacts): boolean {
  return model === null || sameJson(model.identity, settings);
}

/** @param presentShare what stands in `proxies` now */
export function meshReport(
  { parsed }: Seen<MeshModel>,
  facts: MeshFacts,
  nowMs: number,
  presentShare = UNKNOWN_SHARE,
): Report {
  const { connected, ...counted } = facts.proxies;
  const errors = parsed.problems
    .filter(({ severity }) => severity === 'error')
    .map(({ path, message }) => `${path}: ${message}`);
  const accepted =
    parsed.model === null
      ? condition('Accepted', 'False', 'Invalid', errors.join('; '))
      : condition('Accepted', 'True', 'Accepted', 'the settings are in force');
  return {
    verdict: verdictOf(parsed.model, errors, facts),
    conditions: [
      accepted,
      certificateCondition(facts, nowMs),
      injectorCondition(facts.otherInjectors),
      definitionCondition(facts.definitionProblems),
      podsCondition(facts.lacks),
      liveNumbersCondition(facts.liveNumbers),
    ],
    fields: {
      proxies: proxyShare({ ...counted, proxies: connected }) ?? presentShare,
      operatorReplicas: facts.operatorReplicas,
      ...expiries(facts),
      ...rotationFields(facts.rotation),
    },
  };
}

function verdictOf(model: MeshModel | null, errors: readonly string[], facts: MeshFacts): Verdict {
  if (model === null) return { outcome: 'invalid', reason: 'Invalid', message: errors.join('; ') };
  // With an issuer from before, proxies go on; but what the Mesh asks for is not what is in force.
  if (facts.certificateProblems.length > 0)
    return { outcome: 'waiting', message: facts.certificateProblems.join('; ') };
  if (facts.certificates === null) return { outcome: 'waiting', message: 'there is no issuer yet' };
  return { outcome: 'ready', message: 'the mesh is at work' };
}

function certificateCondition(facts: MeshFacts, nowMs: number): WantedCondition {
  const { certificates, certificateProblems, renewalProblems, authorities } = facts;
  const type = 'CertificatesValid';
  if (certificateProblems.length > 0) return condition(type, 'False', 'SecretUnusable', certificateProblems.join('; '));
  if (certificates === null) return condition(type, 'Unknown', 'Pending', 'there is no issuer yet');
  const endsMs = Math.min(certificates.anchorNotAfterMs, certificates.issuerNotAfterMs);
  if (endsMs <= nowMs) return condition(type, 'False', 'Expired', `expired at ${toSeconds(endsMs)}`);
  const ended = authorities.filter(({ notAfterMs }) => notAfterMs <= nowMs);
  if (ended.length > 0) return condition(type, 'False', 'Expired', ended.map(expiryNote).join('; '));
  // What follows is still valid: it is the reason that tells what to look at.
  if (renewalProblems.length > 0) return condition(type, 'True', 'RenewalFailed', renewalProblems.join('; '));
  const ending = authorities.filter(({ warnAtMs }) => warnAtMs <= nowMs);
  if (ending.length > 0) return condition(type, 'True', 'ExpiresSoon', ending.map(expiryNote).join('; '));
  const until = `valid until ${toSeconds(endsMs)}`;
  if (!certificates.isCrossing) return condition(type, 'True', 'Valid', until);
  return condition(
    type,
    'True',
    'AnchorRenewal',
    `a new anchor is trusted beside the old one, then the issuer follows; ${until}`,
  );
}

function injectorCondition(others: readonly string[]): WantedCondition {
  const type = 'SingleInjector';
  if (others.length === 0) return condition(type, 'True', 'Single', 'no other injector reads linkerd.io/inject');
  return condition(
    type,
    'False',
    'OtherInjectorFound',
    `${others.join(', ')} reads linkerd.io/inject too: only namespaces with the label weft.dev/mesh=weft are injected here`,
  );
}

/** Not a reason to be unready: proxies are told all the same. */
function definitionCondition(problems: readonly string[]): WantedCondition {
  const type = 'DefinitionsComplete';
  if (problems.length === 0) return condition(type, 'True', 'Complete', 'every kind has a status that can be written');
  const remedy = 'installing with --upgrade-crds replaces definitions of somebody else';
  return condition(type, 'False', 'DefinitionOfOthers', `${problems.join('; ')}; ${remedy}`);
}

/** Nor is this one: such pods are often those that ran before anybody asked for a proxy. */
function podsCondition({ missed, perhapsOlder, namespaces, otherNamespaces }: LackSummary): WantedCondition {
  const type = 'PodsInjected';
  const pods = missed + perhapsOlder;
  if (pods === 0) return condition(type, 'True', 'Complete', 'every pod that should have a proxy has one');
  const named = namespaces.map((each) => `${each.name} (${each.pods})`).join(', ');
  const more = otherNamespaces > 0 ? ` and ${otherNamespaces} more namespaces` : '';
  const share = `${missed} of them made after it was asked for`;
  const message = `pods that should have a proxy and have none: ${pods}, ${share}; in ${named}${more}`;
  return condition(type, 'False', 'PodsWithoutProxy', `${message}; weft check --proxy names them, and what to do`);
}

/** Traffic goes on without them. */
function liveNumbersCondition(reach: MeshFacts['liveNumbers']): WantedCondition {
  const type = 'LiveNumbersReached';
  if (reach.is === 'reached') return condition(type, 'True', 'Reached', 'API servers reach the aggregated API');
  if (reach.is === 'unknown') {
    return condition(type, 'Unknown', 'NotKnown', 'no replica serves live numbers, or no API server has tried so far');
  }
  const until = 'its groups are taken back, and tried again every ten minutes';
  return condition(
    type,
    'False',
    'NotReached',
    `API servers do not reach the aggregated API: ${reach.reason}; ${until}`,
  );
}

/** Nothing where nothing was ever asked for. */
function rotationFields(rotation: RotationState | null): { rotation?: Record<string, string> } {
  if (rotation === null || (rotation.phase === 'Done' && rotation.sinceMs === 0)) return {};
  const { done, phase, sinceMs, holding, waits } = rotation;
  const proxies = holding === null ? '' : `${holding.have}/${holding.of}`;
  const fields = { ...done, phase, since: toSeconds(sinceMs), proxies, message: waits };
  return { rotation: Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== '')) };
}

function expiries({ certificates, authorities }: MeshFacts): Record<string, string | number> {
  if (certificates === null) return {};
  const renewal = (wanted: HeldAuthority['name']) => authorities.find(({ name }) => name === wanted)?.renewAtMs ?? null;
  const anchorMs = renewal('anchor');
  const issuerMs = renewal('issuer');
  return {
    anchorExpiry: toSeconds(certificates.anchorNotAfterMs),
    issuerExpiry: toSeconds(certificates.issuerNotAfterMs),
    ...(anchorMs === null ? {} : { anchorRenewal: toSeconds(anchorMs) }),
    ...(issuerMs === null ? {} : { issuerRenewal: toSeconds(issuerMs) }),
    trustedAnchors: certificates.trustedAnchors,
  };
}
