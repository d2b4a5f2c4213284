import { createAnchor } from '../../../../../operator/pki/authority.ts';
import { toPem } from '../../../../../operator/pki/certificate.ts';
import { WEBHOOK_AUTHORITY_SECRET } from '../../../../../proxy-image/contract/names.ts';
import { base64, DAY_MS, NOW_MS, pod, SYSTEM, secret, trust } from '../world.ts';
import type { Fault } from './fault.ts';

const INJECTOR = 'mutatingwebhookconfiguration/weft-injector';
const VALIDATOR = 'validatingwebhookconfiguration/weft-validator';

/** The configurations of webhooks, and what a dry run has shown. */
export const OF_WEBHOOKS: readonly Fault[] = [
  {
    code: 'injector-missing',
    title: 'somebody has deleted the configuration',
    plant: (world) => world.remove('mutatingWebhooks', 'weft-injector'),
    object: INJECTOR,
    reason: /does not exist: no pod gets a proxy/,
    remedy: /rollout restart/,
  },
  {
    code: 'validator-missing',
    title: 'the configuration has no webhook any more',
    plant: (world) => world.set('validatingWebhooks', 'weft-validator', 'webhooks', []),
    object: VALIDATOR,
    reason: /has no webhook validator\.webhooks\.weft\.dev/,
    remedy: /rollout restart/,
  },
  {
    code: 'webhook-ca',
    title: 'another tool has written its own CA',
    plant: (world) =>
      world.set(
        'mutatingWebhooks',
        'weft-injector',
        'webhooks.0.clientConfig.caBundle',
        base64(toPem([trust(NOW_MS).webhooks.certificate])),
      ),
    object: INJECTOR,
    reason: /lacks the CA of Secret weft-webhook-ca/,
    remedy: /rollout restart/,
  },
  {
    code: 'webhook-ca-expired',
    title: 'the CA of the webhooks has ended',
    plant: (world) => {
      const ended = createAnchor('webhooks', DAY_MS, NOW_MS - 2 * DAY_MS);
      world.remove('secrets', WEBHOOK_AUTHORITY_SECRET).add('secrets', secret(WEBHOOK_AUTHORITY_SECRET, ended));
      for (const [list, name] of [
        ['mutatingWebhooks', 'weft-injector'],
        ['validatingWebhooks', 'weft-validator'],
      ] as const) {
        world.set(list, name, 'webhooks.0.clientConfig.caBundle', base64(toPem([ended.certificate])));
      }
    },
    object: `secret/${WEBHOOK_AUTHORITY_SECRET} in ${SYSTEM}`,
    reason: /has expired/,
    remedy: /rollout restart/,
  },
  {
    code: 'webhook-client',
    title: 'the webhook is asked of another Service',
    plant: (world) =>
      world.set('validatingWebhooks', 'weft-validator', 'webhooks.0.clientConfig.service.name', 'linkerd-sp-validator'),
    object: VALIDATOR,
    reason: /asks linkerd-sp-validator in weft-system/,
    remedy: /rollout restart/,
  },
  {
    code: 'webhook-rules',
    title: 'a rule of the validator is gone',
    plant: (world) => {
      const rules = (
        world.get('validatingWebhooks', 'weft-validator')['webhooks'] as { rules: { resources: string[] }[] }[]
      )[0]!;
      rules.rules = rules.rules.filter(({ resources }) => !resources.includes('servers'));
    },
    object: VALIDATOR,
    reason: /not asked about CREATE of servers\.policy\.linkerd\.io/,
    remedy: /rollout restart/,
  },
  {
    code: 'webhook-failure-policy',
    title: 'pods are refused while the operator is away, though the Mesh says Ignore',
    plant: (world) => world.set('mutatingWebhooks', 'weft-injector', 'webhooks.0.failurePolicy', 'Fail'),
    object: INJECTOR,
    reason: /failurePolicy is Fail, the Mesh says Ignore/,
    remedy: /rollout restart/,
  },
  {
    code: 'webhook-selector',
    title: 'somebody has left out one more namespace',
    plant: (world) =>
      world.set('mutatingWebhooks', 'weft-injector', 'webhooks.0.namespaceSelector.matchLabels', { mesh: 'on' }),
    object: INJECTOR,
    reason: /namespaceSelector has been changed/,
    remedy: /rollout restart/,
  },
  {
    code: 'injector-unreachable',
    title: 'a firewall, and failurePolicy Ignore: pods come without a proxy',
    plant: (world) => {
      const containers = [{ name: 'trial' }];
      world.objects.set('injection', [
        { namespace: 'default', object: pod('trial', 'default', {}, '', { containers }), refusal: '' },
      ]);
    },
    object: INJECTOR,
    reason: /pod in default gets no proxy, without an error/,
    remedy: /logs deployment\/weft-operator/,
  },
  {
    code: 'injector-unreachable',
    title: 'a firewall, and failurePolicy Fail',
    plant: (world) => {
      const refusal =
        'Internal error occurred: failed calling webhook "injector.webhooks.weft.dev": context deadline exceeded';
      world.objects.set('injection', [{ namespace: 'default', object: null, refusal }]);
    },
    object: INJECTOR,
    reason: /deadline exceeded/,
    remedy: /logs deployment\/weft-operator/,
  },
  {
    code: 'validator-unreachable',
    title: 'an invalid object is accepted',
    plant: (world) => world.objects.set('validation', [{ namespace: 'default', object: {}, refusal: '' }]),
    object: VALIDATOR,
    reason: /invalid Mesh is accepted/,
    remedy: /logs deployment\/weft-operator/,
  },
  {
    code: 'trial-refused',
    title: 'a quota wants limits of every container',
    plant: (world) => {
      const refusal = 'pods "weft-check-trial" is forbidden: failed quota: all: must specify limits.cpu for: trial';
      world.objects.set('injection', [{ namespace: 'default', object: null, refusal }]);
    },
    object: 'namespace/default',
    reason: /failed quota/,
    remedy: /get resourcequotas/,
  },
  {
    code: 'namespace-not-asked',
    title: 'a namespace wants proxies, and has the label that leaves it out',
    plant: (world) => {
      world.set('Namespace', 'default', 'metadata.annotations', { 'linkerd.io/inject': 'enabled' });
      world.set('Namespace', 'default', ['metadata', 'labels', 'config.linkerd.io/admission-webhooks'], 'disabled');
    },
    object: 'namespace/default',
    reason: /left out of the webhook by config\.linkerd\.io\/admission-webhooks/,
    remedy: /get namespace default/,
  },
  {
    code: 'other-injector',
    title: "Linkerd's own is in the cluster",
    plant: (world) => {
      const rules = [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }];
      world.add('mutatingWebhooks', {
        metadata: { name: 'linkerd-proxy-injector-webhook-config' },
        webhooks: [{ name: 'linkerd-proxy-injector.linkerd.io', rules }],
      });
      // The operator has noticed.
      for (const [list, name] of [
        ['mutatingWebhooks', 'weft-injector'],
        ['validatingWebhooks', 'weft-validator'],
      ] as const) {
        const [entry] = world.get(list, name)['webhooks'] as { namespaceSelector: { matchExpressions: object[] } }[];
        entry!.namespaceSelector.matchExpressions.push({ key: 'weft.dev/mesh', operator: 'In', values: ['weft'] });
      }
      world.set('Namespace', 'shop', ['metadata', 'labels', 'weft.dev/mesh'], 'weft');
    },
    object: 'mutatingwebhookconfiguration/linkerd-proxy-injector-webhook-config',
    reason: /injects proxies by linkerd\.io\/inject too/,
    remedy: /weft\.dev\/mesh=weft/,
  },
];
