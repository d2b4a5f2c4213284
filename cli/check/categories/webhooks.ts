import { isDeepStrictEqual } from 'node:util';
import { MESH } from '../../../crds/kinds/mesh/model.ts';
import { NAMESPACE } from '../../../crds/kinds/namespace/model.ts';
import { child, listOf, readMeta, textOf } from '../../../crds/parse/metadata.ts';
import { matchesSelector } from '../../../crds/scalars/label-selector.ts';
import {
  CONTROL_PLANE_NAMESPACE,
  PROXY_CONTAINER,
  WEBHOOK_AUTHORITY_SECRET,
} from '../../../proxy-image/contract/names.ts';
import {
  injectorConfiguration,
  validatorConfiguration,
  type WebhookConfiguration,
} from '../../../webhooks/configurations.ts';
import { decide } from '../../../webhooks/inject/decide.ts';
import { isOtherInjector } from '../../../webhooks/inject/other-injectors.ts';
import { certificatesIn, certificatesOf } from '../facts/certificates.ts';
import type { Category, Check, Finding } from '../facts/check.ts';
import type { Facts, Tried } from '../facts/facts.ts';
import { about, objectName } from '../facts/name.ts';
import { selectorOf } from '../facts/selector.ts';
import { wantedConfiguration } from '../facts/webhook-configurations.ts';

const LOGS = `kubectl -n ${CONTROL_PLANE_NAMESPACE} logs deployment/weft-operator`;
const REWRITE = `kubectl -n ${CONTROL_PLANE_NAMESPACE} rollout restart deployment weft-operator`;

/** What one of our two configurations is to the checks. */
interface Registered {
  wanted: WebhookConfiguration;
  /** As the cluster has it; `undefined` = it is not there. */
  found: unknown;
  /** Its only webhook. */
  entry: unknown;
}

function injector(facts: Facts): Registered {
  return registered(facts, 'mutatingWebhooks', wantedConfiguration(facts, injectorConfiguration));
}

function validator(facts: Facts): Registered {
  return registered(facts, 'validatingWebhooks', wantedConfiguration(facts, validatorConfiguration));
}

function registered(
  facts: Facts,
  list: 'mutatingWebhooks' | 'validatingWebhooks',
  wanted: WebhookConfiguration,
): Registered {
  const found = facts.find(list, wanted.metadata.name);
  const entry = listOf(found, 'webhooks').find((each) => textOf(each, 'name') === wanted.webhooks[0].name);
  return { wanted, found, entry };
}

const LISTS = ['mutatingWebhooks', 'validatingWebhooks', MESH.id];

const CONFIGURATIONS: readonly Check[] = [
  {
    code: 'injector-missing',
    description: 'injector webhook is registered',
    severity: 'error',
    needs: LISTS,
    run: (facts) => missing(injector(facts), 'no pod gets a proxy'),
  },
  {
    code: 'validator-missing',
    description: 'validator webhook is registered',
    severity: 'error',
    needs: LISTS,
    run: (facts) => missing(validator(facts), 'objects that cannot take effect are not refused'),
  },
  {
    code: 'webhook-ca',
    description: 'webhooks are verified by the CA of the operator',
    severity: 'error',
    needs: [...LISTS, 'secrets'],
    run: (facts) => ofBoth(facts, foreignAuthority),
  },
  {
    code: 'webhook-ca-expired',
    description: 'CA of the webhooks is within its validity period',
    severity: 'error',
    needs: ['secrets'],
    run: expiredAuthority,
  },
  {
    code: 'webhook-client',
    description: 'webhooks are asked of the operator',
    severity: 'error',
    needs: LISTS,
    run: (facts) => ofBoth(facts, otherClient),
  },
  {
    code: 'webhook-rules',
    description: 'webhooks are asked about everything that they decide',
    severity: 'error',
    needs: LISTS,
    run: (facts) => ofBoth(facts, missingRules),
  },
  {
    code: 'webhook-failure-policy',
    description: 'webhooks fail as the Mesh says',
    severity: 'warning',
    needs: LISTS,
    run: (facts) => ofBoth(facts, otherFailurePolicy),
  },
  {
    code: 'webhook-selector',
    description: 'webhooks leave out what they should, and no more',
    severity: 'warning',
    needs: LISTS,
    run: (facts) => ofBoth(facts, otherSelectors),
  },
];

const TRIALS: readonly Check[] = [
  {
    code: 'injector-unreachable',
    description: 'API server reaches the injector: a pod created now gets a proxy',
    severity: 'error',
    needs: [...LISTS, 'injection', NAMESPACE.id],
    run: injectorUnreachable,
  },
  {
    code: 'validator-unreachable',
    description: 'API server reaches the validator: an invalid object is refused',
    severity: 'error',
    needs: [...LISTS, 'validation'],
    run: validatorUnreachable,
  },
  {
    code: 'trial-refused',
    description: 'nothing else refuses pods with a proxy',
    severity: 'warning',
    needs: ['injection'],
    run: refusedByOthers,
  },
  {
    code: 'namespace-not-asked',
    description: 'namespaces that want proxies are left to the injector',
    severity: 'warning',
    needs: [...LISTS, NAMESPACE.id],
    run: notAsked,
  },
];

export const WEBHOOKS: Category = { name: 'weft-webhooks-and-apisvc-tls', checks: [...CONFIGURATIONS, ...TRIALS] };

export const OTHER_INJECTORS: Category = {
  name: 'weft-other-injectors',
  checks: [
    {
      code: 'other-injector',
      description: 'no other injector reads the same annotation',
      severity: 'warning',
      needs: ['mutatingWebhooks'],
      run: (facts) =>
        facts
          .list('mutatingWebhooks')
          .filter(isOtherInjector)
          .map((raw) => {
            const reason =
              'it injects proxies by linkerd.io/inject too: Weft then injects only namespaces with the label weft.dev/mesh=weft';
            return about(
              'MutatingWebhookConfiguration',
              raw,
              reason,
              'kubectl label namespace NAMESPACE weft.dev/mesh=weft',
            );
          }),
    },
  ],
};

function missing({ wanted, found, entry }: Registered, consequence: string): Finding[] {
  if (found !== undefined && entry !== undefined) return [];
  const reason =
    found === undefined
      ? `it does not exist: ${consequence}`
      : `it has no webhook ${wanted.webhooks[0].name}: ${consequence}`;
  return [{ object: objectName(wanted.kind, wanted.metadata.name), namespace: '', reason, remedy: REWRITE }];
}

/** Where the configuration is there. */
function ofBoth(facts: Facts, judge: (facts: Facts, registered: Registered) => string): Finding[] {
  return [injector(facts), validator(facts)].flatMap((each) => {
    if (each.entry === undefined) return [];
    const reason = judge(facts, each);
    return reason === '' ? [] : [about(each.wanted.kind, each.found, reason, REWRITE)];
  });
}

function foreignAuthority(facts: Facts, { entry }: Registered): string {
  const [authority] = certificatesOf(facts, WEBHOOK_AUTHORITY_SECRET).chain;
  if (authority === undefined) return '';
  const bundle = Buffer.from(textOf(child(entry, 'clientConfig'), 'caBundle'), 'base64').toString('latin1');
  try {
    const trusted = certificatesIn(bundle).some(({ fingerprint256 }) => fingerprint256 === authority.fingerprint256);
    return trusted
      ? ''
      : `its caBundle lacks the CA of Secret ${WEBHOOK_AUTHORITY_SECRET}: the API server refuses the operator's certificate`;
  } catch {
    return 'its caBundle cannot be read';
  }
}

function expiredAuthority(facts: Facts): Finding[] {
  const [authority] = certificatesOf(facts, WEBHOOK_AUTHORITY_SECRET).chain;
  if (authority === undefined || authority.validToDate.getTime() > facts.nowMs) return [];
  const namespace = CONTROL_PLANE_NAMESPACE;
  const object = objectName('Secret', WEBHOOK_AUTHORITY_SECRET, namespace);
  return [{ object, namespace, reason: `its certificate has expired at ${authority.validTo}`, remedy: REWRITE }];
}

/** A URL is an operator outside the cluster (`--webhook-url`): whether it answers is tried. */
function otherClient(_: Facts, { wanted, entry }: Registered): string {
  const client = child(entry, 'clientConfig');
  const service = child(client, 'service');
  const own = wanted.webhooks[0].clientConfig.service;
  if (textOf(client, 'url') !== '' || isDeepStrictEqual({ ...(service as object) }, own)) return '';
  return `it asks ${textOf(service, 'name')} in ${textOf(service, 'namespace')}, not the Service of the operator`;
}

function missingRules(_: Facts, { wanted, entry }: Registered): string {
  const held = listOf(entry, 'rules').flatMap(targetsOf);
  const lacking = wanted.webhooks[0].rules.flatMap(targetsOf).filter((target) => !held.includes(target));
  if (lacking.length === 0) return '';
  return `it is not asked about ${lacking.slice(0, 3).join(', ')}${lacking.length > 3 ? ` and ${lacking.length - 3} more` : ''}`;
}

function targetsOf(rule: unknown): string[] {
  const texts = (field: string) => listOf(rule, field).map(String);
  return texts('operations').flatMap((operation) =>
    texts('apiGroups').flatMap((group) =>
      texts('apiVersions').flatMap((version) =>
        texts('resources').map(
          (resource) => `${operation} of ${resource}${group === '' ? '' : `.${group}`}/${version}`,
        ),
      ),
    ),
  );
}

function otherFailurePolicy(_: Facts, { wanted, entry }: Registered): string {
  const own = wanted.webhooks[0].failurePolicy;
  const found = textOf(entry, 'failurePolicy');
  return found === own ? '' : `its failurePolicy is ${found || 'absent'}, the Mesh says ${own}`;
}

function otherSelectors(_: Facts, { wanted, entry }: Registered): string {
  const [own] = wanted.webhooks;
  for (const field of ['namespaceSelector', 'objectSelector'] as const) {
    if (!isDeepStrictEqual(sorted(child(entry, field)), sorted(own[field]))) return `its ${field} has been changed`;
  }
  return '';
}

function sorted(raw: unknown) {
  const { matchLabels, matchExpressions } = selectorOf(raw);
  return {
    matchLabels: { ...matchLabels },
    matchExpressions: matchExpressions
      .map((each) => JSON.stringify({ ...each, values: each.values.toSorted() }))
      .toSorted(),
  };
}

/** What another check has found out already is not said again. */
function hasCause(facts: Facts, each: Registered): boolean {
  if (each.entry === undefined) return true;
  return [foreignAuthority, otherClient, missingRules, otherSelectors].some((judge) => judge(facts, each) !== '');
}

function injectorUnreachable(facts: Facts): Finding[] {
  const tried = facts.tried('injection');
  const each = injector(facts);
  if (tried === undefined || hasProxy(tried.object) || hasCause(facts, each)) return [];
  if (tried.object === null && !isAboutCall(tried, each)) return [];
  const how =
    tried.object === null
      ? tried.refusal
      : `a pod in ${tried.namespace} gets no proxy, without an error (failurePolicy: Ignore)`;
  return [about(each.wanted.kind, each.found, how, LOGS)];
}

function validatorUnreachable(facts: Facts): Finding[] {
  const tried = facts.tried('validation');
  const each = validator(facts);
  if (tried === undefined || isDenied(tried, each) || hasCause(facts, each)) return [];
  const how = tried.object === null ? tried.refusal : 'an invalid Mesh is accepted (failurePolicy: Ignore)';
  return [about(each.wanted.kind, each.found, how, LOGS)];
}

/** In the words of the API server: `admission webhook "…" denied the request`, or `failed calling webhook "…"`. */
function isDenied({ refusal }: Tried, { wanted }: Registered): boolean {
  return refusal.includes(`admission webhook "${wanted.webhooks[0].name}" denied`);
}

function isAboutCall({ refusal }: Tried, { wanted }: Registered): boolean {
  return refusal.includes(`webhook "${wanted.webhooks[0].name}"`) || refusal.includes('no answer within');
}

function hasProxy(pod: unknown): boolean {
  const spec = child(pod, 'spec');
  return [...listOf(spec, 'containers'), ...listOf(spec, 'initContainers')].some(
    (container) => textOf(container, 'name') === PROXY_CONTAINER,
  );
}

function refusedByOthers(facts: Facts): Finding[] {
  const tried = facts.tried('injection');
  if (tried === undefined || tried.object !== null || isAboutCall(tried, injector(facts))) return [];
  const object = objectName(NAMESPACE.kind, tried.namespace);
  const remedy = `kubectl -n ${tried.namespace} get resourcequotas,limitranges`;
  return [{ object, namespace: '', reason: `a pod with a proxy is refused there: ${tried.refusal}`, remedy }];
}

/** By its annotation a namespace wants proxies; by its name or a label the webhook is never asked. */
function notAsked(facts: Facts): Finding[] {
  const { wanted } = injector(facts);
  const selector = selectorOf(wanted.webhooks[0].namespaceSelector);
  return facts.list(NAMESPACE.id).flatMap((raw) => {
    const { name, annotations, labels } = readMeta(raw);
    const isWanted = decide({ spec: { containers: [{}] } }, { annotations, labels: {} }).inject;
    if (!isWanted || matchesSelector(selector, labels)) return [];
    const failed = selector.matchExpressions.filter(
      (each) => !matchesSelector({ matchLabels: {}, matchExpressions: [each] }, labels),
    );
    const why = failed.map(({ key }) => key).join(', ');
    return [
      about(
        NAMESPACE.kind,
        raw,
        `it wants proxies, but is left out of the webhook by ${why}`,
        `kubectl get namespace ${name} -o yaml`,
      ),
    ];
  });
}
