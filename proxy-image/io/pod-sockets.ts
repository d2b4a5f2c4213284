import { readFileSync } from 'node:fs';

/** Tables of the network namespace, which is the pod's: every container's sockets are in them (proc_net(5)). */
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6', '/proc/net/udp', '/proc/net/udp6'] as const;

/** Columns of a row. */
const USER = 7;
const INODE = 9;

/**
 * Whether a process of another user has a socket in this network namespace: in a pod, whether the application is still there. What a process has left behind
 * (TIME_WAIT, and connections that nobody has accepted) has no inode, and does not count. Sockets that are not TCP or UDP cannot be seen.
 * @param read the text of a table, `null` where there is none
 */
export function othersHaveSockets(ownUid: number, read: (path: string) => string | null = readTable): boolean {
  return TABLES.some((path) => hasForeignRow(read(path), ownUid));
}

function hasForeignRow(table: string | null, ownUid: number): boolean {
  if (table === null) return false;
  // The first line names the columns.
  return table.split('\n').some((line, index) => {
    if (index === 0 || line === '') return false;
    const columns = line.trim().split(/\s+/);
    return columns[USER] !== String(ownUid) && (columns[INODE] ?? '0') !== '0';
  });
}

function readTable(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // A kernel without IPv6 has no table of it.
    return null;
  }
}
