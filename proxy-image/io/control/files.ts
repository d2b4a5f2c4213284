import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/** Replaces a file so that a reader (also one after a crash) sees the old or the new content, never a part. Only the owner may read it. */
export function writeFileAtomically(path: string, content: string): void {
  mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true });
  const temporary = `${path}.new`;
  writeFileSync(temporary, content, { mode: 0o600 });
  // A file left over from a crash keeps the mode it had.
  chmodSync(temporary, 0o600);
  renameSync(temporary, path);
}

/** The content, or `null` when there is no such file. Other failures throw. */
export function readFileIfPresent(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
