import { join } from 'node:path';
import { ROOT } from '../demo/kubectl.ts';
import { type Finished, shell } from '../demo/shell.ts';

const INSTALL_LIMIT_MS = 300_000;

/** One of the two builds. */
export interface Build {
  name: string;
  operatorImage: string;
  proxyImage: string;
}

function build(name: string, tag: string): Build {
  return { name, operatorImage: `localhost/weft-operator:${tag}`, proxyImage: `localhost/weft-proxy:${tag}` };
}

export const EARLIER = build('earlier', 'earlier');
export const TODAYS = build("today's", 'dev');

/** `make install` in the tree of the earlier build, with its images. */
export function installEarlier(tree: string, ...options: string[]): Promise<Finished> {
  const main = join(tree, 'hack', 'install', 'main.ts');
  return shell('env', ['WEFT_IMAGE_TAG=earlier', 'node', main, ...options], { timeoutMs: INSTALL_LIMIT_MS });
}

/** `make install` here. */
export function installTodays(...options: string[]): Promise<Finished> {
  return shell('node', [join(ROOT, 'hack', 'install', 'main.ts'), ...options], { timeoutMs: INSTALL_LIMIT_MS });
}
