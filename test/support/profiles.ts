import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApiRoutes } from '../../cli/profile/open-api.ts';
import { printProfile } from '../../cli/profile/print.ts';
import { protoRoutes } from '../../cli/profile/proto.ts';
import { type DescribedRoute, type ProfileTarget, profileOf } from '../../cli/profile/service-profile.ts';
import { profileTemplate } from '../../cli/profile/template.ts';

/** Descriptions, and beside each the profile that is made of it. */
export const PROFILES_FOLDER: string = join(import.meta.dirname, '..', 'golden', 'profiles');

/** Service `web` of namespace `shop`. */
export const TARGET: ProfileTarget = { service: 'web', namespace: 'shop', clusterDomain: 'cluster.local' };

const DESCRIPTIONS: Readonly<Record<string, (text: string) => DescribedRoute[]>> = {
  'books.yaml': openApiRoutes,
  'orders.json': openApiRoutes,
  'voting.proto': protoRoutes,
};

/** A description of an API and the profile that is to be made of it, as text. */
export interface GoldenProfile {
  name: string;
  expected: string;
  printed(): string;
}

/** One for each way to a profile; of the template nothing but its own text is expected. */
export const GOLDEN: readonly GoldenProfile[] = Object.entries(DESCRIPTIONS).map(([name, routesOf]) => ({
  name,
  expected: readDescription(name.replace(/\.[a-z]+$/, '.profile.yaml')),
  printed: () => printProfile(profileOf(TARGET, routesOf(readDescription(name))).profile, 'yaml'),
}));

export const TEMPLATE: string = profileTemplate(TARGET);

/** A file of that folder. */
export function readDescription(name: string): string {
  return readFileSync(join(PROFILES_FOLDER, name), 'utf8');
}
