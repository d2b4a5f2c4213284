import type { MeshModel } from '../../crds/kinds/mesh/model.ts';
import { matchesSelector } from '../../crds/scalars/label-selector.ts';
import type { LabelSelector } from '../../crds/types/label-selector.ts';
import { injectorConfiguration, type WebhookEntry } from '../configurations.ts';

type Labels = Readonly<Record<string, string>>;

/** Which pods the API server asks the injector about. */
export interface Reach {
  namespace: LabelSelector;
  object: LabelSelector;
}

/** As the operator writes it into its MutatingWebhookConfiguration. */
export function injectorReach(mesh: MeshModel, otherInjector: boolean): Reach {
  const [own] = injectorConfiguration({
    mesh,
    otherInjector,
    caBundlePem: '',
    client: { type: 'service' },
    owner: null,
  }).webhooks;
  return { namespace: selectorOf(own.namespaceSelector), object: selectorOf(own.objectSelector) };
}

export function isInReach(reach: Reach, podLabels: Labels, namespaceLabels: Labels): boolean {
  return matchesSelector(reach.object, podLabels) && matchesSelector(reach.namespace, namespaceLabels);
}

function selectorOf({ matchExpressions = [] }: WebhookEntry['objectSelector']): LabelSelector {
  return {
    matchLabels: {},
    matchExpressions: matchExpressions.map((each) => ({ ...each, values: each.values ?? [] })),
  };
}
