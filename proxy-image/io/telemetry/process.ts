import { readdirSync, readFileSync } from 'node:fs';

/** What the `process_*` families say. */
export interface ProcessFacts {
  cpuSeconds: number;
  residentBytes: number;
  /** 0 where there is no /proc. */
  openFds: number;
  maxFds: number;
}

/** Reads the facts of this process; a few system calls, made once per scrape. */
export function readProcessFacts(): ProcessFacts {
  const { user, system } = process.cpuUsage();
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    openFds: openFds(),
    maxFds: maxFds(),
  };
}

function openFds(): number {
  try {
    // One of them is the descriptor that reads the directory.
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return 0;
  }
}

function maxFds(): number {
  try {
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined || soft === 'unlimited' ? 0 : Number(soft);
  } catch {
    return 0;
  }
}
