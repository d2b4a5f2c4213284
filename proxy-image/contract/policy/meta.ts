import type { Reader } from '../read/reader.ts';

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

/** What Linkerd calls the route of a Service that has none of its own. */
export const DEFAULT_ROUTE: Readonly<Meta> = {
  group: '',
  kind: 'default',
  namespace: '',
  name: 'http',
  section: '',
  port: 0,
};

export const PROFILE_KIND = 'ServiceProfile';

export function serviceMeta(namespace: string, name: string, port: number): Meta {
  return { group: '', kind: 'Service', namespace, name, section: '', port };
}

export function readMeta(reader: Reader, value: unknown, path: string): Meta {
  const fields = reader.object(value, path);
  return {
    group: reader.textOf(fields, path, 'group'),
    kind: reader.textOf(fields, path, 'kind'),
    namespace: reader.textOf(fields, path, 'namespace'),
    name: reader.textOf(fields, path, 'name'),
    section: reader.textOf(fields, path, 'section'),
    port: reader.integerOf(fields, path, 'port', 0, 65_535),
  };
}
