import { problemsOfService } from '../../../crds/annotations/of-service.ts';
import { MESH } from '../../../crds/kinds/mesh/model.ts';
import { NAMESPACE, type NamespaceModel } from '../../../crds/kinds/namespace/model.ts';
import { namespaceOf } from '../../../crds/kinds/namespace/queries.ts';
import { POD } from '../../../crds/kinds/pod/model.ts';
import { SERVICE, type ServiceModel } from '../../../crds/kinds/service/model.ts';
import { readWrittenAt } from '../../../crds/parse/kubernetes-object.ts';
import { INJECTOR_CONFIGURATION } from '../../../webhooks/configurations.ts';
import { type Decision, decide } from '../../../webhooks/inject/decide.ts';
import { type Doubt, doubts } from '../../../webhooks/inject/doubts.ts';
import { decisionNow, type Injector, lackOf, lackText } from '../../../webhooks/inject/lack.ts';
import { isOtherInjector } from '../../../webhooks/inject/other-injectors.ts';
import { injectorReach } from '../../../webhooks/inject/reach.ts';
import { restartOf } from '../../../webhooks/inject/restart.ts';
import { SKIP_TEXT, type SkipReason } from '../../../webhooks/inject/skip-reason.ts';
import type { Category, Check, Finding } from '../facts/check.ts';
import type { Facts, ObservedPod } from '../facts/facts.ts';
import { about, flag } from '../facts/name.ts';
import { wantedSettings } from '../facts/operator.ts';
import { withoutProxy } from '../facts/proxy.ts';

const NEEDS = [POD.id, NAMESPACE.id, MESH.id, 'controlPlane'];

const DECISIONS: readonly Check[] = [
  {
    code: 'pod-not-injected',
    description: 'pods that should have a proxy have one',
    severity: 'warning',
    needs: NEEDS,
    run: notInjected,
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

function injectorOf(facts: Facts): Injector {
  const reach = injectorReach(facts.mesh, facts.list('mutatingWebhooks').some(isOtherInjector));
  return { reach, writtenAt: readWrittenAt(facts.find('mutatingWebhooks', INJECTOR_CONFIGURATION)) };
}

/** A pod needs its namespace: one that came after the namespaces were read is not judged. */
function withNamespaces(facts: Facts): [ObservedPod, NamespaceModel][] {
  return facts.pods.flatMap((pod): [ObservedPod, NamespaceModel][] => {
    const namespace = namespaceOf(facts.view, pod.model.meta.namespace);
    return namespace === null ? [] : [[pod, namespace]];
  });
}

/** Pods without our proxy that the injector would be asked about, with what it would decide now. */
function unmeshed(facts: Facts): [ObservedPod, Decision][] {
  const { reach } = facts.once(injectorOf);
  return facts.once(withNamespaces).flatMap(([pod, namespace]): [ObservedPod, Decision][] => {
    const decision = decisionNow(pod.model, namespace, reach);
    return decision === null ? [] : [[pod, decision]];
  });
}

function notInjected(facts: Facts): Finding[] {
  const injector = facts.once(injectorOf);
  return facts.once(withNamespaces).flatMap(([{ raw, model }, namespace]) => {
    const lack = lackOf(model, namespace, injector, facts.nowMs);
    return lack === null || lack.graceLeftMs > 0
      ? []
      : [about(POD.kind, raw, `it ${lackText(lack)}`, restartOf(model))];
  });
}

function ofSkipped(facts: Facts, isMeant: (reason: SkipReason, requested: boolean) => boolean): Finding[] {
  return facts.once(unmeshed).flatMap(([{ raw, model }, decision]) => {
    if (decision.inject) return [];
    const reasons = decision.reasons.filter((reason) => isMeant(reason, decision.requested));
    if (reasons.length === 0) return [];
    const text = reasons.map((reason) => SKIP_TEXT[reason]).join('; ');
    const remedy = `kubectl ${flag(model.meta.namespace)}get pod ${model.meta.name} -o yaml`;
    return [about(POD.kind, raw, `it gets no proxy: ${text}`, remedy)];
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
