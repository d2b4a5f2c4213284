import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type ErrorCode, WeftError } from '../../contract/errors.ts';
import type { RedirectOptions, TableFamily } from './options.ts';
import { redirectTable } from './table.ts';

/** A rule set of one page is loaded in milliseconds; a hanging kernel module load must not hang the pod for ever. */
const NFT_TIMEOUT_MS = 30_000;

export interface NftResult {
  ok: boolean;
  /** What nft wrote to standard error, or why it could not be started. */
  problem: string;
}

/** The two things that `applyRedirect` needs of the machine; replaced in tests. */
export interface Host {
  runNft(rules: string): NftResult;
  /** False when the kernel has no IPv6 at all: then there is nothing to redirect. */
  readonly hasIpv6: boolean;
}

/**
 * Loads the redirection. One table for both families where the kernel can (5.2 and later), else one per family in one transaction.
 * IPv4 alone is only right where the kernel has no IPv6: a family that is not redirected would pass by every policy.
 * @returns the families of the tables in force
 * @throws WeftError WEFT_INIT_*
 */
export function applyRedirect(options: RedirectOptions, host: Host): TableFamily[] {
  const forms: TableFamily[][] = host.hasIpv6 ? [['inet'], ['ip', 'ip6']] : [['inet'], ['ip']];
  const problems: string[] = [];
  for (const families of forms) {
    const result = host.runNft(families.map((family) => redirectTable(family, options)).join(''));
    if (result.ok) return families;
    problems.push(`${families.join('+')}: ${result.problem}`);
  }
  throw new WeftError(codeOf(problems.join('\n')), problems.join('; '));
}

function codeOf(problem: string): ErrorCode {
  if (/ENOENT|EACCES/.test(problem)) return 'WEFT_INIT_NFT_MISSING';
  if (/Operation not permitted|must be root/.test(problem)) return 'WEFT_INIT_NOT_PERMITTED';
  if (/No such file or directory|not supported|Could not process rule/.test(problem)) return 'WEFT_INIT_KERNEL';
  return 'WEFT_INIT_FAILED';
}

export const realHost: Host = {
  get hasIpv6() {
    return existsSync('/proc/net/if_inet6');
  },
  runNft(rules) {
    const done = spawnSync('nft', ['-f', '-'], { input: rules, encoding: 'utf8', timeout: NFT_TIMEOUT_MS });
    if (done.error !== undefined) return { ok: false, problem: done.error.message };
    return { ok: done.status === 0, problem: firstLines(done.stderr) || `nft ended with status ${done.status}` };
  },
};

/** nft repeats the rule and a line of carets after each error; the first lines name it. */
function firstLines(stderr: string): string {
  return stderr.trim().split('\n').slice(0, 3).join(' ').slice(0, 400);
}
