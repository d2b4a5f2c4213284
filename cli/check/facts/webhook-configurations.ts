import { WEBHOOK_AUTHORITY_SECRET } from '../../../proxy-image/contract/names.ts';
import type { ConfigurationInput, WebhookConfiguration } from '../../../webhooks/configurations.ts';
import { isOtherInjector } from '../../../webhooks/inject/other-injectors.ts';
import { certificatesOf } from './certificates.ts';
import type { Facts } from './facts.ts';

/** The configuration of a webhook as the operator would write it now. */
export function wantedConfiguration(
  facts: Facts,
  make: (input: ConfigurationInput) => WebhookConfiguration,
): WebhookConfiguration {
  return make({
    mesh: facts.mesh,
    caBundlePem: certificatesOf(facts, WEBHOOK_AUTHORITY_SECRET).anchorsPem,
    client: { type: 'service' },
    otherInjector: facts.list('mutatingWebhooks').some(isOtherInjector),
    owner: null,
  });
}
