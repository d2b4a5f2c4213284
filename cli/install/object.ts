/** Any object of the API, as far as all kinds share it. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
  [field: string]: unknown;
}

export interface Metadata {
  name: string;
  /** Absent for what is of the cluster. */
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  uid?: string;
  generation?: number;
  managedFields?: readonly ManagedFields[];
  [field: string]: unknown;
}

/** One writer of fields (`metav1.ManagedFieldsEntry`). */
export interface ManagedFields {
  manager?: string;
  operation?: string;
  /** Empty: the object itself. */
  subresource?: string;
  fieldsV1?: Readonly<Record<string, unknown>>;
}

/** Enough of an object to find it again. */
export type Identity = Pick<KubeObject, 'apiVersion' | 'kind'> & { metadata: Pick<Metadata, 'name' | 'namespace'> };

export function identityOf({ apiVersion, kind, metadata: { name, namespace } }: Identity): Identity {
  return { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } };
}

/** Only what carries this label is ours to change or delete. */
export const OURS = ['app.kubernetes.io/part-of', 'weft'] as const;

/** Whether it carries the label that everything carries which was installed from here. */
export function isOurs({ metadata }: Pick<KubeObject, 'metadata'>): boolean {
  const [key, value] = OURS;
  return metadata.labels?.[key] === value;
}

/** `service/weft-operator in weft-system` */
export function nameOf({ kind, metadata: { namespace, name } }: Identity): string {
  return `${kind.toLowerCase()}/${name}${namespace === undefined ? '' : ` in ${namespace}`}`;
}

/** Names within the API: the version of an object does not tell it from another. */
export function keyOf({ apiVersion, kind, metadata: { namespace = '', name } }: Identity): string {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  return [group, kind, namespace, name].join('/');
}
