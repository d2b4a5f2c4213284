import { CONTROL_PLANE_NAMESPACE } from '../../proxy-image/contract/names.ts';
import { OURS } from './object.ts';
import { type ControlPlanePart, PARTS, WHOLE } from './parts.ts';
import { type Right, rightsOf, ruleOf } from './rights.ts';
import { all, Choice, type Condition, isTrue, type Template, type TemplateMap, when } from './template.ts';

const RBAC = 'rbac.authorization.k8s.io';
/** What is there for live numbers alone carries this label. */
const VIZ_LABELS = { 'app.kubernetes.io/component': 'viz' } as const;
/** Of every cluster: it lets read by what an API server is to be known. */
const FRONT_PROXY_ROLE = 'extension-apiserver-authentication-reader';

export const WITH_VIZ = isTrue('viz.enabled');
export const SPLIT = isTrue('operator.split');

/** ServiceAccounts of the control plane, and what they may do: of one program with all roles, or of each part alone. */
export function accessObjects(): Template[] {
  const whole = objectsOf(WHOLE);
  const parts = new Map(PARTS.flatMap((part) => [...objectsOf(part)]));
  const keys = [...new Set([...whole.keys(), ...parts.keys()])];
  return keys.map((key) => {
    const [one, other] = [whole.get(key), parts.get(key)];
    if (JSON.stringify(one) === JSON.stringify(other)) return conditional(one!);
    return new Choice([
      ...(other === undefined ? [] : [caseOf(other, SPLIT)]),
      ...(one === undefined ? [] : [caseOf(one, other === undefined ? { type: 'not', of: SPLIT } : all())]),
    ]);
  });
}

interface AccessObject {
  /** Only with live numbers. */
  viz: boolean;
  object: TemplateMap;
}

function conditional({ viz, object }: AccessObject): Template {
  return viz ? when(WITH_VIZ, object) : object;
}

function caseOf({ viz, object }: AccessObject, condition: Condition): { when: Condition; content: Template } {
  const isAlways = condition.type === 'all' && condition.of.length === 0;
  if (!viz) return { when: condition, content: object };
  return { when: isAlways ? WITH_VIZ : all(condition, WITH_VIZ), content: object };
}

/** By kind and name. */
function objectsOf(part: ControlPlanePart): Map<string, AccessObject> {
  const rights = rightsOf(part.roles);
  const own = rights.filter(({ viz }) => viz !== true);
  const forViz = rights.filter(({ viz }) => viz === true);
  const found: AccessObject[] = [
    { viz: false, object: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadata(part.name, NAMESPACED) } },
    ...roleAndBinding(part, 'cluster', own, false),
    ...roleAndBinding(part, 'namespace', own, false),
    ...scopesOf(forViz).flatMap((scope) => roleAndBinding(part, scope, forViz, true)),
    ...(part.roles.includes('viz') ? [frontProxyBinding(part)] : []),
  ];
  return new Map(found.map((one) => [keyOf(one.object), one]));
}

function scopesOf(rights: readonly Right[]): Right['scope'][] {
  return [...new Set(rights.map(({ scope }) => scope))];
}

function keyOf({ kind, metadata: of }: TemplateMap): string {
  const { name, namespace = '' } = of as { name: string; namespace?: string };
  return `${String(kind)} ${namespace} ${name}`;
}

const NAMESPACED = { namespace: CONTROL_PLANE_NAMESPACE } as const;

function metadata(name: string, namespace: { namespace?: string } = {}, labels: Record<string, string> = {}): Template {
  return { name, ...namespace, labels: { ...labels, [OURS[0]]: OURS[1] } };
}

function roleAndBinding(
  part: ControlPlanePart,
  scope: Right['scope'],
  rights: readonly Right[],
  viz: boolean,
): AccessObject[] {
  const kind = scope === 'cluster' ? 'ClusterRole' : 'Role';
  const name = viz ? `${part.name}-viz` : part.name;
  const about = metadata(name, scope === 'cluster' ? {} : NAMESPACED, viz ? VIZ_LABELS : {});
  const rules = rights.filter((right) => right.scope === scope).map(ruleOf);
  return [
    { viz, object: { apiVersion: `${RBAC}/v1`, kind, metadata: about, rules } },
    { viz, object: binding(`${kind}Binding`, about, { kind, name }, part) },
  ];
}

function binding(kind: string, about: Template, role: { kind: string; name: string }, { name }: ControlPlanePart) {
  return {
    apiVersion: `${RBAC}/v1`,
    kind,
    metadata: about,
    roleRef: { apiGroup: RBAC, ...role },
    subjects: [{ kind: 'ServiceAccount', name, namespace: CONTROL_PLANE_NAMESPACE }],
  };
}

/** By what an API server is to be known: one ConfigMap. */
function frontProxyBinding(part: ControlPlanePart): AccessObject {
  const about = metadata(`${part.name}-viz`, { namespace: 'kube-system' }, VIZ_LABELS);
  return { viz: true, object: binding('RoleBinding', about, { kind: 'Role', name: FRONT_PROXY_ROLE }, part) };
}
