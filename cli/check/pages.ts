import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '..', '..', 'docs', 'checks');
const EXTENSION = '.md';

/** What each code means, as Markdown. In the bundle of the command it is a constant (`hack/images/bundle.ts`): there is no tree then. */
export const PAGES: Readonly<Record<string, string>> = Object.fromEntries(
  readdirSync(FOLDER)
    .filter((name) => name.endsWith(EXTENSION) && name !== 'README.md')
    .map((name) => [name.slice(0, -EXTENSION.length), readFileSync(join(FOLDER, name), 'utf8')]),
);
