import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Folders in `parent` named `prefix` and the id of a process that is gone: left by this user's runs that were killed. */
export function staleFolders(parent: string, prefix: string): string[] {
  return readdirSync(parent)
    .filter((name) => {
      const pid = name.startsWith(prefix) ? /^\d+/.exec(name.slice(prefix.length))?.[0] : undefined;
      return pid !== undefined && !existsSync(`/proc/${pid}`);
    })
    .map((name) => join(parent, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.uid === process.getuid?.());
}
