import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';

/** Where a kubeconfig comes from; kubectl's order. */
export type Origin = { type: 'files'; paths: readonly string[] } | { type: 'pod' };

/** Files that do not exist are passed over where `KUBECONFIG` names several, as kubectl does. */
export function originOf({ env, cwd }: Pick<Context, 'env' | 'cwd'>, asked?: string): Origin {
  if (asked !== undefined) return filesOf([asked], cwd, '--kubeconfig');
  const named = (env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  if (named.length > 0) return filesOf(named, cwd, 'KUBECONFIG');
  const usual = join(env['HOME'] ?? homedir(), '.kube', 'config');
  if (existsSync(usual)) return { type: 'files', paths: [usual] };
  if (env['KUBERNETES_SERVICE_HOST'] !== undefined) return { type: 'pod' };
  throw new CliError('WEFT_CLI_KUBECONFIG', `there is no ${usual}`);
}

function filesOf(names: readonly string[], cwd: string, origin: string): Origin {
  const paths = names.map((name) => resolve(cwd, name)).filter((path) => existsSync(path));
  if (paths.length > 0) return { type: 'files', paths };
  throw new CliError('WEFT_CLI_KUBECONFIG', `${origin} names ${names.join(', ')}, which does not exist`);
}
