import { expect } from 'chai';
import { DEFAULT_MESH } from '../../../crds/kinds/mesh/parse.ts';
import {
  type ConfigurationInput,
  injectorConfiguration,
  validatorConfiguration,
  type WebhookConfiguration,
} from '../../../webhooks/configurations.ts';

function input(changes: Partial<ConfigurationInput> = {}): ConfigurationInput {
  return {
    mesh: DEFAULT_MESH,
    caBundlePem: 'PEM',
    client: { type: 'service' },
    otherInjector: false,
    owner: null,
    ...changes,
  };
}

const FAIL: ConfigurationInput['mesh'] = {
  ...DEFAULT_MESH,
  injection: { failurePolicy: 'Fail' },
  validation: { failurePolicy: 'Fail' },
};

/** Whether the API server would call the webhook for an object in a namespace with these labels. */
function selects(configuration: WebhookConfiguration, labels: Record<string, string>): boolean {
  return configuration.webhooks[0].namespaceSelector.matchExpressions.every(({ key, operator, values }) => {
    const value = labels[key];
    if (operator === 'DoesNotExist') return value === undefined;
    const listed = value !== undefined && (values ?? []).includes(value);
    return operator === 'In' ? listed : !listed;
  });
}

const namespace = (name: string, labels: Record<string, string> = {}) => ({
  'kubernetes.io/metadata.name': name,
  ...labels,
});

describe('webhook configurations', () => {
  it('of the injector: pods at CREATE, without side effects in a dry run, called again when others changed the pod', () => {
    const [webhook] = injectorConfiguration(input()).webhooks;
    expect(webhook).to.deep.include({
      admissionReviewVersions: ['v1'],
      failurePolicy: 'Ignore',
      matchPolicy: 'Equivalent',
      reinvocationPolicy: 'IfNeeded',
      sideEffects: 'NoneOnDryRun',
      timeoutSeconds: 10,
      rules: [
        { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'], scope: 'Namespaced' },
      ],
      clientConfig: {
        caBundle: Buffer.from('PEM').toString('base64'),
        service: { namespace: 'weft-system', name: 'weft-operator', path: '/inject', port: 443 },
      },
    });
    expect(webhook.objectSelector.matchExpressions?.map(({ key }) => key)).to.deep.equal([
      'linkerd.io/control-plane-component',
      'linkerd.io/cni-resource',
    ]);
  });

  it('of the validator: every version of every kind, at CREATE and UPDATE', () => {
    const [webhook] = validatorConfiguration(input()).webhooks;
    expect(webhook).not.to.have.property('reinvocationPolicy');
    expect(webhook.clientConfig.service?.path).to.equal('/validate');
    expect(
      webhook.rules.map(({ apiGroups, apiVersions, resources, scope }) => [
        apiGroups[0],
        apiVersions,
        resources[0],
        scope,
      ]),
    ).to.deep.equal([
      ['linkerd.io', ['v1alpha1', 'v1alpha2'], 'serviceprofiles', 'Namespaced'],
      ['split.smi-spec.io', ['v1alpha1', 'v1alpha2', 'v1alpha3', 'v1alpha4'], 'trafficsplits', 'Namespaced'],
      ['policy.linkerd.io', ['v1alpha1', 'v1beta1', 'v1beta2', 'v1beta3'], 'servers', 'Namespaced'],
      ['policy.linkerd.io', ['v1alpha1', 'v1beta1'], 'serverauthorizations', 'Namespaced'],
      ['policy.linkerd.io', ['v1alpha1'], 'authorizationpolicies', 'Namespaced'],
      ['policy.linkerd.io', ['v1alpha1'], 'meshtlsauthentications', 'Namespaced'],
      ['policy.linkerd.io', ['v1alpha1'], 'networkauthentications', 'Namespaced'],
      ['policy.linkerd.io', ['v1alpha1'], 'httplocalratelimitpolicies', 'Namespaced'],
      ['gateway.networking.k8s.io', ['v1beta1', 'v1'], 'httproutes', 'Namespaced'],
      ['policy.linkerd.io', ['v1alpha1', 'v1beta1', 'v1beta2', 'v1beta3'], 'httproutes', 'Namespaced'],
      ['gateway.networking.k8s.io', ['v1'], 'grpcroutes', 'Namespaced'],
      ['weft.dev', ['v1alpha1'], 'httpfaults', 'Namespaced'],
      ['weft.dev', ['v1alpha1'], 'meshes', 'Cluster'],
    ]);
    for (const { operations } of webhook.rules) expect(operations).to.deep.equal(['CREATE', 'UPDATE']);
  });

  it('leave out namespaces that opted out, kube-system and our own', () => {
    for (const build of [injectorConfiguration, validatorConfiguration]) {
      const configuration = build(input());
      expect(selects(configuration, namespace('shop'))).to.equal(true);
      expect(
        selects(configuration, namespace('shop', { 'config.linkerd.io/admission-webhooks': 'disabled' })),
      ).to.equal(false);
      expect(selects(configuration, namespace('shop', { 'config.linkerd.io/admission-webhooks': 'enabled' }))).to.equal(
        true,
      );
      for (const name of ['kube-system', 'weft-system', 'cert-manager']) {
        expect(selects(configuration, namespace(name))).to.equal(false);
      }
      expect(selects(configuration, namespace('argocd'))).to.equal(true);
    }
  });

  it('E6: with Fail leave out those who could repair a broken mesh', () => {
    for (const build of [injectorConfiguration, validatorConfiguration]) {
      const configuration = build(input({ mesh: FAIL }));
      expect(configuration.webhooks[0].failurePolicy).to.equal('Fail');
      for (const name of ['argocd', 'flux-system', 'kube-system', 'weft-system']) {
        expect(selects(configuration, namespace(name))).to.equal(false);
      }
    }
  });

  it('beside another injector concern only namespaces that ask for this mesh', () => {
    const configuration = injectorConfiguration(input({ otherInjector: true }));
    expect(selects(configuration, namespace('shop'))).to.equal(false);
    expect(selects(configuration, namespace('shop', { 'weft.dev/mesh': 'weft' }))).to.equal(true);
    expect(selects(configuration, namespace('shop', { 'weft.dev/mesh': 'other' }))).to.equal(false);
  });

  it('name a URL for an operator outside the cluster', () => {
    const { clientConfig } = validatorConfiguration(input({ client: { type: 'url', url: 'https://127.0.0.1:8443' } }))
      .webhooks[0];
    expect(clientConfig).to.deep.equal({
      caBundle: Buffer.from('PEM').toString('base64'),
      url: 'https://127.0.0.1:8443/validate',
    });
  });

  it('go with their owner', () => {
    const owner = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', name: 'weft-operator', uid: 'u' };
    expect(injectorConfiguration(input({ owner })).metadata.ownerReferences).to.deep.equal([owner]);
    expect(injectorConfiguration(input()).metadata).not.to.have.property('ownerReferences');
  });

  it('are the same bytes for the same input', () => {
    expect(JSON.stringify(injectorConfiguration(input()))).to.equal(JSON.stringify(injectorConfiguration(input())));
  });
});
