import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { isRoot } from './programs.ts';

/** Programs of the operating system and the Debian packages that they are in. */
const PACKAGES: Readonly<Record<string, string>> = {
  haproxy: 'haproxy',
  nginx: 'nginx',
  wrk: 'wrk',
  h2load: 'nghttp2-client',
  setpriv: 'util-linux',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  ip: 'iproute2',
  nft: 'nftables',
};

/** nginx carries bytes by a module of its own package. */
export const NGINX_STREAM = '/usr/lib/nginx/modules/ngx_stream_module.so';

/** Files that are no programs. */
const MODULES: Readonly<Record<string, string>> = { [NGINX_STREAM]: 'libnginx-mod-stream' };

const INSTALL_TIMEOUT_MS = 300_000;

/** Debian's packages start what they install; what a benchmark installs must not listen on this machine's ports. */
const INSTALL = `
set -e
export DEBIAN_FRONTEND=noninteractive
if [ ! -e /usr/sbin/policy-rc.d ]; then
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
  chmod +x /usr/sbin/policy-rc.d
fi
apt-get install -qy --no-install-recommends "$@" || { apt-get update -q && apt-get install -qy --no-install-recommends "$@"; }
`;

/** Installs what is missing, or names it. `names` are programs and files. @throws Error with the names of the packages */
export function requirePrograms(names: readonly string[], say: (text: string) => void): void {
  const missing = names.filter((name) => !installed(name));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((name) => PACKAGES[name] ?? MODULES[name] ?? name))];
  if (!isRoot || !installed('apt-get')) {
    throw new Error(
      `missing: ${missing.join(', ')} (Debian packages: ${packages.join(' ')}); install them, or leave out the rows or contenders that need them`,
    );
  }
  say(`installing Debian packages: ${packages.join(' ')}`);
  const done = spawnSync('sh', ['-c', INSTALL, 'sh', ...packages], { encoding: 'utf8', timeout: INSTALL_TIMEOUT_MS });
  if (done.status !== 0)
    throw new Error(`apt-get could not install ${packages.join(' ')}: ${done.stderr.slice(-1000)}`);
}

function installed(name: string): boolean {
  if (name.startsWith('/')) return existsSync(name);
  // Debian keeps daemons in /usr/sbin, which is not in everybody's PATH.
  return [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'].some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
