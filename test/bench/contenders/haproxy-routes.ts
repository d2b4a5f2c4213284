import { ROUTES_PER_SERVICE } from './other-services.ts';

/**
 * The same routes that ours gets as ServiceProfiles, as HAProxy would have them: by host, then by a regular expression on the path.
 * A route's name is kept in a variable, as ours keeps it for its metrics.
 */
export function otherRoutes(count: number): string {
  const lines: string[] = [];
  for (let service = 0; service * ROUTES_PER_SERVICE < count; service++) {
    for (let route = 0; route < ROUTES_PER_SERVICE; route++) {
      lines.push(
        `    http-request set-var(txn.route) str(s${service}-r${route}) if { hdr(host) -i other-${service}.bench } { path_reg ^/api/${service}/r${route}/[^/]+$ }`,
      );
    }
  }
  return lines.map((line) => `${line}\n`).join('');
}
