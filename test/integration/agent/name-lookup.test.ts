import { type ChildProcess, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { createTestAuthority } from '../../support/certificates.ts';
import { injected, meshWith } from '../../support/pods.ts';
import { NetworkNamespace } from './fixtures/namespaces.ts';

const require = createRequire(import.meta.url);
const BUN = join(require.resolve('bun/package.json'), '..', 'bin/bun.exe');
const PROXY = join(import.meta.dirname, '..', '..', '..', 'proxy-image', 'main.ts');
const NAME_SERVER = join(import.meta.dirname, 'fixtures', 'name-server.ts');

const OPERATOR = '127.0.0.7';
const STRANGER = '127.6.6.6';
const WILDCARD = 'corp.example';
const DOMAIN = 'mesh.example';
const NAME = `weft-operator.weft-system.svc.${DOMAIN}`;

interface Line {
  query?: string;
  type?: string;
  connected?: string;
}

describe('the name of the operator, looked up in a pod', function () {
  this.timeout(20_000);
  let pod: NetworkNamespace;
  let folder: string;
  let children: ChildProcess[] = [];

  beforeEach(async function () {
    const missing = ['nsenter', 'unshare', 'ip'].filter((name) => spawnSync(name, ['--version']).error);
    if (process.getuid?.() !== 0 || missing.length > 0) {
      console.warn(`    skipped: needs root and ${missing.join(', ') || 'nothing else'}`);
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'weft-names-'));
    pod = await NetworkNamespace.create();
  });

  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
    children = [];
    pod?.end();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  /** What an injected proxy is started with, on this machine. */
  function environment(): string[] {
    const { proxy } = injected({
      mesh: meshWith({}, { clusterDomain: DOMAIN }),
      trustAnchorsPem: createTestAuthority().anchorsPem,
    });
    const replaced: Record<string, string> = {
      WEFT_PROXY_POD_NAME: 'web-1',
      WEFT_PROXY_POD_NAMESPACE: 'shop',
      WEFT_PROXY_POD_IPS: '127.0.0.1',
      WEFT_PROXY_IDENTITY_DIR: folder,
      WEFT_PROXY_TOKEN_FILE: join(folder, 'token'),
    };
    writeFileSync(join(folder, 'token'), 'a token');
    return proxy.env.flatMap((entry) => {
      const value = replaced[entry.name] ?? ('value' in entry ? entry.value : undefined);
      return value === undefined ? [] : [`${entry.name}=${value}`];
    });
  }

  /** Starts a proxy in a pod with these lines in its resolv.conf, and returns all that is seen until it has connected to somebody. */
  async function seenUntilConnected(resolver: readonly string[]): Promise<Line[]> {
    const server = pod.start(process.execPath, NAME_SERVER, NAME, OPERATOR, WILDCARD, STRANGER, '8080');
    children.push(server);
    const lines = createInterface({ input: server.stdout! })[Symbol.asyncIterator]();
    expect((await lines.next()).value).to.equal('listening');
    const file = join(folder, 'resolv.conf');
    writeFileSync(file, ['nameserver 127.0.0.1', ...resolver, ''].join('\n'));
    const script = 'file=$1; shift; mount --bind "$file" /etc/resolv.conf && exec env "$@"';
    const program = [...environment(), BUN, '--smol', PROXY, 'run'];
    children.push(pod.start('unshare', '--mount', 'sh', '-c', script, 'sh', file, ...program));
    const seen: Line[] = [];
    while (seen.at(-1)?.connected === undefined) seen.push(JSON.parse((await lines.next()).value ?? 'null'));
    return seen;
  }

  const SEARCH = `search shop.svc.${DOMAIN} svc.${DOMAIN} ${DOMAIN} ${WILDCARD}`;
  for (const [what, resolver] of [
    ["with the kubelet's options", [SEARCH, 'options ndots:5']],
    ['where the dnsConfig of the pod says ndots:1', [SEARCH, 'options ndots:1']],
    ['where the dnsConfig of the pod says ndots:15', [SEARCH, 'options ndots:15']],
    ['where the wildcard is the first search domain', [`search ${WILDCARD}`, 'options ndots:5']],
    ['without a search list', []],
  ] as const) {
    it(`is asked for once, as it is, and never under a search domain with a wildcard: ${what}`, async () => {
      const seen = await seenUntilConnected(resolver);
      const queries = seen.filter(({ query }) => query !== undefined);
      expect(queries).to.have.deep.members([
        { query: NAME, type: 'A' },
        { query: NAME, type: 'AAAA' },
      ]);
      expect(seen.at(-1)).to.deep.equal({ connected: OPERATOR });
    });
  }
});
