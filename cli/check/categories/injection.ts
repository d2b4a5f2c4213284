import { problemsOfService } from '../../../crds/annotations/of-service.ts';
import { MESH } from '../../../crds/kinds/mesh/model.ts';
import { NAMESPACE } from '../../../crds/kinds/namespace/model.ts';
import { POD } from '../../../crds/kinds/pod/model.ts';
import { SERVICE, type ServiceModel } from '../../../crds/kinds/service/model.ts';
import { matchesSelector } from '../../../crds/scalars/label-selector.ts';
import { CONTROL_PLANE_NAMESPACE } from '../../../proxy-image/contract/names.ts';
import { injectorConfiguration } from '../../../webhooks/configurations.ts';
import { type Decision, decide } from '../../../webhooks/inject/decide.ts';
import { type Doubt, doubts } from '../../../webhooks/inject/doubts.ts';
import { SKIP_TEXT, type SkipReason } from '../../../webhooks/inject/skip-reason.ts';
import type { Category, Check, Finding } from '../facts/check.ts';
import type { Facts, ObservedPod } from '../facts/facts.ts';
import { restartOf } from '../facts/injection.ts';
import { about, flag } from '../facts/name.ts';
import { wantedSettings } from '../facts/operator.ts';
import { withoutProxy } from '../facts/proxy.ts';
import { selectorOf } from '../facts/selector.ts';
import { wantedConfiguration } from '../facts/webhook-configurations.ts';

const NEEDS = [POD.id, NAMESPACE.id, MESH.id, 'controlPlane'];

const DECISIONS: readonly Check[] = [
  {
    code: 'pod-not-injected',
    description: 'pods that should have a proxy have one',
    severity: 'warning',
    needs: NEEDS,
    run: (facts) =>
      ofUnmeshed(facts, ({ raw, model }, decision) =>
        decision.inject
          ? about(
              POD.kind,
              raw,
              `it would get a proxy by the annotation of its ${decision.annotationAt}, and was created without`,
              restartOf(model),
            )
          : null,
      ),
  },
  {
    code: 'pod-cannot-inject',
    description: 'pods that should have a proxy can have one',
    severity: 'warning',
    needs: NEEDS,
    run: (facts) => ofSkipped(facts, (reason, requested) => requested && reason !== 'sidecar_already_exists'),
  },
  {
    code: 'other-proxy',
    description: 'no pod has the proxy of another mesh',
    severity: 'warning',
    needs: NEEDS,
    run: (facts) => ofSkipped(facts, (reason, requested) => requested && reason === 'sidecar_already_exists'),
  },
  {
    code: 'inject-annotation',
    description: 'annotations that ask for a proxy can be understood',
    severity: 'warning',
    needs: NEEDS,
    run: (facts) => ofSkipped(facts, (reason) => reason.startsWith('invalid_')),
  },
  {
    code: 'annotation-ignored',
    description: 'annotations of pods and namespaces take effect',
    severity: 'warning',
    needs: NEEDS,
    run: ignoredAnnotations,
  },
  {
    code: 'service-annotation',
    description: 'data plane service annotations are configured correctly',
    severity: 'warning',
    needs: [SERVICE.id, MESH.id],
    run: serviceAnnotations,
  },
];

const DOUBTS: readonly Check[] = [
  doubted('container-bypasses-proxy', 'no container can leave the mesh', 'bypass'),
  doubted('port-taken', "no container has a port of the proxy's", 'port'),
  doubted('account-without-identity', 'ServiceAccounts have names that an identity can have', 'account'),
  doubted('dns-policy', 'pods ask name servers that know the control plane', 'dns'),
  doubted('traffic-skipped', 'no traffic is left out by annotation', 'skipped'),
  doubted('killed-early', 'proxies have time to end', 'grace'),
  doubted('ingress-mode', 'no pod asks for the mode ingress', 'mode'),
];

export const INJECTION: Category = {
  name: 'weft-injection',
  isOfWorkloads: true,
  checks: [...DECISIONS, ...DOUBTS],
};

/** Pods without our proxy that the injector would be asked about, with what it would decide now. */
function unmeshed(facts: Facts): [ObservedPod, Decision][] {
  const [own] = wantedConfiguration(facts, injectorConfiguration).webhooks;
  const selectors = { namespace: selectorOf(own.namespaceSelector), object: selectorOf(own.objectSelector) };
  const asked = facts.pods.filter(({ model: { meshed, meta } }) => {
    if (meshed || meta.namespace === CONTROL_PLANE_NAMESPACE) return false;
    const { labels } = facts.namespace(meta.namespace);
    return matchesSelector(selectors.namespace, labels) && matchesSelector(selectors.object, meta.labels);
  });
  return asked.map((pod) => [pod, decide(pod.raw, facts.namespace(pod.model.meta.namespace))]);
}

function ofUnmeshed(facts: Facts, judge: (pod: ObservedPod, decision: Decision) => Finding | null): Finding[] {
  return facts
    .once(unmeshed)
    .map(([pod, decision]) => judge(pod, decision))
    .filter((each) => each !== null);
}

function ofSkipped(facts: Facts, isMeant: (reason: SkipReason, requested: boolean) => boolean): Finding[] {
  return ofUnmeshed(facts, ({ raw, model: { meta } }, decision) => {
    if (decision.inject) return null;
    const reasons = decision.reasons.filter((reason) => isMeant(reason, decision.requested));
    if (reasons.length === 0) return null;
    const text = reasons.map((reason) => SKIP_TEXT[reason]).join('; ');
    return about(
      POD.kind,
      raw,
      `it gets no proxy: ${text}`,
      `kubectl ${flag(meta.namespace)}get pod ${meta.name} -o yaml`,
    );
  });
}

/** Read as when the pod is made; of pods that one owner makes, the first is enough. */
function ignoredAnnotations(facts: Facts): Finding[] {
  return facts
    .once(onePerOwner)
    .flatMap(({ raw, model }) =>
      (wantedSettings(facts, model)?.warnings ?? []).map((warning) => about(POD.kind, raw, warning, editOf(model))),
    );
}

function onePerOwner(facts: Facts): ObservedPod[] {
  const owners = new Map<string, ObservedPod>();
  for (const pod of facts.meshed) {
    const { meta, owner } = pod.model;
    const key = [meta.namespace, owner.kind, owner.name || meta.name].join('/');
    if (!owners.has(key)) owners.set(key, pod);
  }
  return [...owners.values()];
}

function editOf({ meta, owner }: ObservedPod['model']): string {
  const target = owner.kind === '' ? `pod/${meta.name}` : `${owner.kind.toLowerCase()}/${owner.name}`;
  return `kubectl ${flag(meta.namespace)}edit ${target}`;
}

function doubted(code: string, description: string, type: Doubt['type']): Check {
  return {
    code,
    description,
    severity: 'warning',
    needs: NEEDS,
    run: (facts) =>
      facts.once(onePerOwner).flatMap(({ raw, model }) => {
        const settings = wantedSettings(facts, model)?.settings;
        const decision = decide(withoutProxy(raw), facts.namespace(model.meta.namespace));
        if (settings === undefined || !decision.inject) return [];
        return doubts(withoutProxy(raw), model, decision.mode, settings, facts.mesh.proxy)
          .filter((doubt) => doubt.type === type)
          .map(({ text }) => about(POD.kind, raw, text, editOf(model)));
      }),
  };
}

function serviceAnnotations(facts: Facts): Finding[] {
  return facts.parsed
    .filter(({ row }) => row.id === SERVICE.id)
    .flatMap(({ raw, meta, parsed }) =>
      problemsOfService(parsed.model as ServiceModel, facts.mesh).map(({ path, message }) => {
        return about(
          SERVICE.kind,
          raw,
          `${path} ${message}`,
          `kubectl ${flag(meta.namespace)}edit service ${meta.name}`,
        );
      }),
    );
}
