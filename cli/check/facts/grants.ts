import { textList } from '../../../crds/parse/kubernetes-object.ts';
import { listOf } from '../../../crds/parse/metadata.ts';

/** What a rule of RBAC allows, one by one: `get policy.linkerd.io/servers`, or `get /secrets weft-webhook-ca`. */
export function grantsOf(role: unknown): string[] {
  return listOf(role, 'rules').flatMap((rule) => {
    const names = textList(listOf(rule, 'resourceNames'));
    return textList(listOf(rule, 'apiGroups')).flatMap((group) =>
      textList(listOf(rule, 'resources')).flatMap((resource) =>
        textList(listOf(rule, 'verbs')).flatMap((verb) =>
          (names.length === 0 ? [''] : names).map((name) => grant(verb, group, resource, name)),
        ),
      ),
    );
  });
}

function grant(verb: string, group: string, resource: string, name: string): string {
  return `${verb} ${group}/${resource}${name === '' ? '' : ` ${name}`}`;
}

/** Whether one of the grants is this one, or a wider one. */
export function isGranted(wanted: string, grants: ReadonlySet<string>): boolean {
  const [verb = '', target = '', name = ''] = wanted.split(' ');
  const slash = target.indexOf('/');
  const group = target.slice(0, slash);
  const resource = target.slice(slash + 1);
  return [verb, '*'].some((v) =>
    [group, '*'].some((g) => [resource, '*'].some((r) => ['', name].some((n) => grants.has(grant(v, g, r, n))))),
  );
}
