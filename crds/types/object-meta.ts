/** What every model keeps of `metadata`. */
export interface ObjectMeta {
  namespace: string;
  name: string;
  uid: string;
  resourceVersion: string;
  generation: number;
  /** RFC 3339 text; ties between objects are broken by it, oldest first, then by name. */
  creationTimestamp: string;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
}
