import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '../../../cli/install/object.ts';

/** What somebody has asked the API server for: as a rule of RBAC would have to allow it. */
export interface Asked {
  /** Name of the ServiceAccount. */
  account: string;
  isAllowed: boolean;
  /** `group resource/subresource verb`, and the name where the request has one. */
  right: string;
  name: string;
}

interface AuditEvent {
  stage: string;
  verb: string;
  user: { username: string };
  objectRef?: { apiGroup?: string; resource?: string; subresource?: string; name?: string };
  responseStatus?: { code?: number };
  annotations?: Record<string, string>;
}

const POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata', userGroups: ['system:serviceaccounts:weft-system'] }, { level: 'None' }],
};

/** Written before each answer: what has been answered is in it. */
export class AuditLog {
  readonly #file: string;
  readonly #policy: string;

  /** @param directory that is there, and is removed by whoever made it */
  constructor(directory: string) {
    this.#file = join(directory, 'audit.log');
    this.#policy = join(directory, 'audit-policy.json');
    writeFileSync(this.#policy, JSON.stringify(POLICY));
    writeFileSync(this.#file, '');
  }

  get apiServerArguments(): string[] {
    const log = [`--audit-log-path=${this.#file}`, '--audit-log-mode=blocking', '--audit-log-maxsize=1000'];
    return [...log, `--audit-policy-file=${this.#policy}`];
  }

  read(): Asked[] {
    const lines = readFileSync(this.#file, 'utf8').split('\n');
    // The last one may be half written.
    return lines.slice(0, -1).flatMap((line) => askedBy(JSON.parse(line) as AuditEvent));
  }
}

function askedBy({ verb, user, objectRef, responseStatus, annotations = {} }: AuditEvent): Asked[] {
  // Discovery and other paths that are no resource are everybody's.
  if (objectRef?.resource === undefined) return [];
  const { apiGroup = '', resource, subresource, name = '' } = objectRef;
  const account = user.username.slice(user.username.lastIndexOf(':') + 1);
  const isAllowed = annotations['authorization.k8s.io/decision'] !== 'forbid' && responseStatus?.code !== 403;
  const place = subresource === undefined ? resource : `${resource}/${subresource}`;
  const asked = (of: string, on: string): Asked => ({
    account,
    isAllowed,
    right: `${apiGroup} ${place} ${of}`,
    name: on,
  });
  // What is applied and was not there is created, for which the right is asked beside that to patch (apiserver: patch.go).
  const isCreation = verb === 'patch' && responseStatus?.code === 201;
  return [asked(verb, name), ...(isCreation ? [asked('create', '')] : [])];
}

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

interface Granted {
  right: string;
  /** Empty: any. */
  name: string;
}

/** All that objects of an installation grant to a ServiceAccount, rule by rule, name by name. */
export function grantedTo(account: string, objects: readonly KubeObject[]): Granted[] {
  const bindings = objects.filter(
    (object) => object.kind.endsWith('Binding') && (object['subjects'] as { name: string }[])[0]?.name === account,
  );
  return bindings.flatMap((binding) => {
    const { kind, name } = binding['roleRef'] as { kind: string; name: string };
    const { namespace } = kind === 'Role' ? binding.metadata : {};
    const role = objects.find(
      ({ kind: of, metadata }) => of === kind && metadata.name === name && metadata.namespace === namespace,
    );
    return ((role?.['rules'] ?? []) as Rule[]).flatMap(expanded);
  });
}

function expanded({ apiGroups, resources, verbs, resourceNames = [''] }: Rule): Granted[] {
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      verbs.flatMap((verb) => resourceNames.map((name) => ({ right: `${group} ${resource} ${verb}`, name }))),
    ),
  );
}

/** Of what is granted, what nobody has asked for. */
export function unused(granted: readonly Granted[], asked: readonly Asked[]): string[] {
  return granted
    .filter(({ right, name }) => !asked.some((one) => one.right === right && (name === '' || one.name === name)))
    .map(({ right, name }) => `${right} ${name}`.trim());
}
