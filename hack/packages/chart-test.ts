import { listPaths } from '../../cli/check/facts/reads.ts';
import { CATEGORIES } from '../../cli/check/registry.ts';
import { type KubeObject, keyOf } from '../../cli/install/object.ts';
import type { Installation } from '../../cli/install/objects.ts';
import { collectionPath } from '../../cli/install/resources.ts';
import { isSet, type Template, textOf, valueJson, valueText, when, whenSet } from '../../cli/install/template.ts';
import { KINDS } from '../../crds/kinds/registry.ts';
import { CONTROL_PLANE_NAMESPACE, ISSUER_SECRET, WEBHOOK_AUTHORITY_SECRET } from '../../proxy-image/contract/names.ts';
import { PROXY_UID } from '../../proxy-image/contract/ports.ts';

const NAME = 'weft-check';
const RBAC = 'rbac.authorization.k8s.io';
/** Of the lists, those of one namespace. */
const LEASES = 'kube-node-lease';

/** Objects of `helm test`, which are there while it runs: a pod that runs `weft check` by the rights to read what that reads. */
export function chartTest(installation: Installation): Template[] {
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadata(-2, CONTROL_PLANE_NAMESPACE) },
    ...allowed('ClusterRole', undefined, [...clusterLists(), ...named(installation, false)]),
    ...allowed('Role', CONTROL_PLANE_NAMESPACE, [...named(installation, true), secrets()]),
    ...allowed('Role', 'kube-system', named(installation, true, 'kube-system')),
    ...allowed('Role', LEASES, [rule('coordination.k8s.io', ['leases'], 'list')]),
    pod(),
  ];
}

function metadata(weight: number, namespace?: string): Template {
  return {
    name: NAME,
    ...(namespace === undefined ? {} : { namespace }),
    annotations: {
      'helm.sh/hook': 'test',
      'helm.sh/hook-weight': String(weight),
      'helm.sh/hook-delete-policy': 'before-hook-creation,hook-succeeded',
    },
  };
}

function allowed(kind: 'ClusterRole' | 'Role', namespace: string | undefined, rules: Template[]): Template[] {
  return [
    { apiVersion: `${RBAC}/v1`, kind, metadata: metadata(-2, namespace), rules },
    {
      apiVersion: `${RBAC}/v1`,
      kind: `${kind}Binding`,
      metadata: metadata(-1, namespace),
      roleRef: { apiGroup: RBAC, kind, name: NAME },
      subjects: [{ kind: 'ServiceAccount', name: NAME, namespace: CONTROL_PLANE_NAMESPACE }],
    },
  ];
}

function rule(group: string, resources: readonly string[], verb: 'get' | 'list', names?: readonly string[]): Template {
  return {
    apiGroups: [group],
    resources,
    ...(names === undefined ? {} : { resourceNames: names }),
    verbs: [verb],
  };
}

function clusterLists(): Template[] {
  const checks = CATEGORIES.core.flatMap((category) => category.checks);
  const needs = new Set(checks.flatMap((check) => check.needs));
  const places = listPaths()
    .filter(([name, path]) => needs.has(name) && !path.includes('/namespaces/'))
    .map(([, path]) => placeOf(path));
  return grouped(places).map(([group, resources]) => rule(group, resources, 'list'));
}

interface Place {
  group: string;
  resource: string;
}

/** Of `/apis/GROUP/VERSION/…/RESOURCE`, or `/api/v1/…/RESOURCE`. */
function placeOf(path: string): Place {
  const parts = path.split('/').slice(1);
  return { group: parts[0] === 'api' ? '' : parts[1]!, resource: parts.at(-1)! };
}

function grouped(places: readonly Place[]): [group: string, resources: string[]][] {
  const groups = Map.groupBy(places, ({ group }) => group);
  return [...groups].map(([group, all]) => [group, all.map(({ resource }) => resource)]);
}

/** Objects of an installation, and definitions, which are read by their names. */
function named(
  { definitions, controlPlane }: Installation,
  isNamespaced: boolean,
  within: string = CONTROL_PLANE_NAMESPACE,
): Template[] {
  const namespace = isNamespaced ? within : undefined;
  const objects = new Map(controlPlane.map((object) => [keyOf(object), object]));
  const wanted = [...objects.values()].filter(({ metadata: of }) => of.namespace === namespace);
  const byPath = Map.groupBy([...(isNamespaced ? [] : definitions), ...wanted], ({ apiVersion, kind }: KubeObject) =>
    collectionPath(apiVersion, kind),
  );
  return [...byPath].map(([path, all]) => {
    const { group, resource } = placeOf(path);
    const others = resource === 'customresourcedefinitions' ? optionalDefinitions() : [];
    return rule(group, [resource], 'get', [...all.map(({ metadata: { name } }) => name), ...others]);
  });
}

function optionalDefinitions(): string[] {
  return KINDS.filter(({ optional }) => optional).map(({ plural, group }) => `${plural}.${group}`);
}

/** When certificates end; private keys are not looked at. An issuer of another name is one that this test may not read. */
function secrets(): Template {
  return rule('', ['secrets'], 'get', [ISSUER_SECRET, WEBHOOK_AUTHORITY_SECRET, 'linkerd-identity-issuer']);
}

function pod(): Template {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadata(0, CONTROL_PLANE_NAMESPACE),
    spec: {
      serviceAccountName: NAME,
      restartPolicy: 'Never',
      imagePullSecrets: when(isSet('images.pullSecrets'), valueJson('images.pullSecrets')),
      nodeSelector: when(isSet('operator.nodeSelector'), valueJson('operator.nodeSelector')),
      tolerations: when(isSet('operator.tolerations'), valueJson('operator.tolerations')),
      securityContext: {
        runAsNonRoot: true,
        runAsUser: PROXY_UID,
        runAsGroup: PROXY_UID,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: 'check',
          image: whenSet('images.cli', textOf({ value: 'images.prefix' }, 'weft-cli:', { value: 'images.tag' })),
          imagePullPolicy: valueText('images.pullPolicy'),
          // Dry runs would need the right to create pods.
          args: ['check', '--no-trials', '--wait', '2m'],
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    },
  };
}
