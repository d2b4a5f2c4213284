import { manyPathRegexes, manyRouteName } from './called-routes.ts';
import type { DeployOptions } from './deployment.ts';
import { ROUTES_PER_SERVICE } from './other-services.ts';

/**
 * The same routes that ours gets as ServiceProfiles, as HAProxy would have them: by host, then by a regular expression on the path.
 * A route's name is kept in a variable, as ours keeps it for its metrics.
 */
export function haproxyRoutes({ otherRoutes = 0, calledRoutes = 'few' }: Omit<DeployOptions, 'shape'>): string {
  const lines: string[] = [];
  for (let service = 0; service * ROUTES_PER_SERVICE < otherRoutes; service++) {
    for (let route = 0; route < ROUTES_PER_SERVICE; route++) {
      const host = `{ hdr(host) -i other-${service}.bench } `;
      lines.push(named(`s${service}-r${route}`, `${host}{ path_reg ^/api/${service}/r${route}/[^/]+$ }`));
    }
  }
  // Its plain hop has no route for the service that is called.
  const many = calledRoutes === 'few' || calledRoutes === 'unary' ? [] : manyPathRegexes(calledRoutes);
  lines.push(...many.map((regex, index) => named(manyRouteName(index), `{ path_reg ^${regex}$ }`)));
  return lines.join('');
}

function named(name: string, condition: string): string {
  return `    http-request set-var(txn.route) str(${name}) if ${condition}\n`;
}
