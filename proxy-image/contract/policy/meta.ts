/**
 * Names what decided: the object, and the part of it, that a rule, a backend or a Server was compiled from. Becomes labels (`route_kind`, `srv_name`),
 * fields of logs and of tap. `kind` is spelled as in the object (`HTTPRoute`, `Service`), or `default` where no object says anything; `group` is empty for
 * the core group. `section`: the name of a rule of a route, of a route of a profile; empty = it has none. `port`: of a Service; 0 = none.
 */
export interface Meta {
  group: string;
  kind: string;
  namespace: string;
  name: string;
  section: string;
  port: number;
}
