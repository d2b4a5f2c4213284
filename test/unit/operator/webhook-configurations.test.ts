import { expect } from 'chai';
import { reconcileConfigurations } from '../../../operator/reconcilers/webhook-configurations.ts';
import { isOtherInjector } from '../../../webhooks/inject/other-injectors.ts';
import { signal } from './status-rig.ts';

describe('webhook configurations', () => {
  it('are applied again every minute, and waited for while there is no CA', async () => {
    const applied: string[] = [];
    const apply = async ({ kind }: { kind: string }) => void applied.push(kind);
    const one = { kind: 'MutatingWebhookConfiguration', metadata: { name: 'a' }, webhooks: [] };
    expect(await reconcileConfigurations({ wanted: async () => null, apply }, signal)).to.deep.equal({
      requeueAfterMs: 500,
    });
    expect(applied).to.deep.equal([]);
    const outcome = await reconcileConfigurations({ wanted: async () => [one, one], apply }, signal);
    expect(outcome).to.deep.equal({ requeueAfterMs: 60_000 });
    expect(applied).to.have.length(2);
  });

  const rule = { operations: ['CREATE'], resources: ['pods'] };
  const configuration = (name: string, webhook: string, rules: unknown = [rule]) => ({
    metadata: { name },
    webhooks: [{ name: webhook, rules }],
  });
  const cases: [string, unknown, boolean][] = [
    [
      "Linkerd's injector",
      configuration('linkerd-proxy-injector-webhook-config', 'linkerd-proxy-injector.linkerd.io'),
      true,
    ],
    [
      'the same with wildcards',
      configuration('x', 'linkerd-proxy-injector.linkerd.io', [{ operations: ['*'], resources: ['*'] }]),
      true,
    ],
    ['our own', configuration('weft-injector', 'injector.webhooks.weft.dev'), false],
    ['our own, named like theirs', configuration('weft-injector', 'linkerd-proxy-injector.linkerd.io'), false],
    ["Linkerd's tap injector", configuration('linkerd-tap-injector', 'tap-injector.linkerd.io'), false],
    ['a policy engine', configuration('kyverno', 'mutate.kyverno.svc'), false],
    [
      'one that looks at other things',
      configuration('x', 'linkerd-proxy-injector.linkerd.io', [{ operations: ['CREATE'], resources: ['jobs'] }]),
      false,
    ],
    ['nonsense', { webhooks: 'x' }, false],
    ['nothing', null, false],
  ];
  for (const [name, input, expected] of cases) {
    it(`${name} is ${expected ? '' : 'no '}other injector`, () => expect(isOtherInjector(input)).to.equal(expected));
  }
});
