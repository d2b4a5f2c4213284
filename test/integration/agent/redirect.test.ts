import { type ChildProcess, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { readInitConfig } from '../../../proxy-image/config/config.ts';
import { redirectTable } from '../../../proxy-image/io/init/table.ts';
import { NetworkNamespace } from './fixtures/namespaces.ts';

const require = createRequire(import.meta.url);
const BUN = join(dirname(require.resolve('bun/package.json')), 'bin/bun.exe');
const ROOT = join(import.meta.dirname, '..', '..', '..');
const FIXTURES = join(import.meta.dirname, 'fixtures');

/** As in a hardened pod: the proxy's user, no capability, none to be had. */
const AS_PROXY: [string, ...string[]] = [
  'setpriv',
  '--reuid=2102',
  '--regid=2102',
  '--clear-groups',
  '--bounding-set=-all',
  '--no-new-privs',
];

interface Seen {
  listener: string;
  from: string;
  original: { ip: string; port: number } | null;
}

/** Connects once and tells how it went; short enough for `bun -e`, runs as root: an application of the pod. */
const CONNECT = `
  const [host, port] = process.argv.slice(1);
  const socket = require('node:net').connect({ host, port: Number(port), timeout: 3000 });
  const say = (text) => { console.log(text); process.exit(0); };
  socket.on('connect', () => say('connected')).on('error', (error) => say(error.code)).on('timeout', () => say('timeout'));`;

const SKIP = ['WEFT_PROXY_SKIP_INBOUND_PORTS=4567,7000-7010', 'WEFT_PROXY_SKIP_OUTBOUND_PORTS=4568'];

/** As the image does it: one table for both families on this kernel. */
function runInit(pod: NetworkNamespace, variables: readonly string[] = []): void {
  const output = pod.run('env', ...SKIP, ...variables, BUN, '--smol', join(ROOT, 'proxy-image', 'main.ts'), 'init');
  expect(JSON.parse(output)).to.include({ message: 'redirection is in force', tables: 'inet' });
}

/** What `init` falls back to on kernels before 5.2; this one takes it as well. */
function loadTablePerFamily(pod: NetworkNamespace, variables: readonly string[] = []): void {
  const environment = Object.fromEntries([...SKIP, ...variables].map((variable) => variable.split('=')));
  const options = readInitConfig(environment);
  const folder = mkdtempSync(join(tmpdir(), 'weft-redirect-'));
  writeFileSync(join(folder, 'rules'), redirectTable('ip', options) + redirectTable('ip6', options));
  pod.run('nft', '-f', join(folder, 'rules'));
  rmSync(folder, { recursive: true });
}

describe('redirection in a network namespace', () => {
  describe('by init', () => redirection(runInit));
  describe('by a table per family', () => redirection(loadTablePerFamily));
});

function redirection(load: (pod: NetworkNamespace, variables?: readonly string[]) => void): void {
  let pod: NetworkNamespace;
  let peer: NetworkNamespace;
  let proxy: ChildProcess;
  let nextLine: () => Promise<Seen>;

  before(async function () {
    this.timeout(60_000);
    const missing = ['nft', 'ip', 'nsenter', 'setpriv'].filter((name) => spawnSync(name, ['--version']).error);
    if (process.getuid?.() !== 0 || missing.length > 0) {
      console.warn(`    skipped: needs root and ${missing.join(', ') || 'nothing else'}`);
      this.skip();
    }
    pod = await NetworkNamespace.create();
    peer = await NetworkNamespace.create();
    pod.joinTo(peer, ['10.99.0.2/24', 'fd99::2/64'], ['10.99.0.1/24', 'fd99::1/64']);
    load(pod);
    proxy = pod.start(...AS_PROXY, BUN, '--smol', join(FIXTURES, 'redirected.ts'));
    const lines = createInterface({ input: proxy.stdout! })[Symbol.asyncIterator]();
    nextLine = async () => JSON.parse((await lines.next()).value ?? 'null');
    expect((await lines.next()).value).to.equal('listening');
  });

  after(() => {
    proxy?.kill('SIGKILL');
    pod?.end();
    peer?.end();
  });

  function connect(from: NetworkNamespace, host: string, port: number, as: readonly string[] = []): string {
    const [command, ...args] = [...as, BUN, '-e', CONNECT, host, String(port)];
    return from.run(command!, ...args).trim();
  }

  for (const [family, podIp, peerIp, loopback] of [
    ['IPv4 (v4-mapped on a dual-stack listener)', '10.99.0.2', '10.99.0.1', '127.0.0.1'],
    ['IPv6', 'fd99::2', 'fd99::1', '::1'],
  ] as const) {
    it(`sends inbound ${family} to the plain listener, which learns the original destination`, async () => {
      expect(connect(peer, podIp, 8080)).to.equal('connected');
      expect(await nextLine()).to.deep.equal({
        listener: 'plain',
        from: peerIp,
        original: { ip: podIp, port: 8080 },
      });
    });

    it(`sends outbound ${family} to the outbound listener, which learns the original destination`, async () => {
      expect(connect(pod, peerIp, 9090)).to.equal('connected');
      expect(await nextLine()).to.deep.include({ listener: 'outbound', original: { ip: peerIp, port: 9090 } });
    });

    it(`lets ${family} to the mesh and admin ports through as it is`, async () => {
      for (const [port, listener] of [
        [4143, 'mesh'],
        [4191, 'admin'],
      ] as const) {
        expect(connect(peer, podIp, port)).to.equal('connected');
        expect(await nextLine()).to.include({ listener, from: peerIp });
      }
    });

    it(`leaves skipped ports, the proxy's own traffic and loopback alone: ${family}`, () => {
      // Nobody listens there, so a connection that is not redirected is refused.
      expect(connect(peer, podIp, 4567)).to.equal('ECONNREFUSED');
      expect(connect(peer, podIp, 7005)).to.equal('ECONNREFUSED');
      expect(connect(pod, peerIp, 4568)).to.equal('ECONNREFUSED');
      expect(connect(pod, peerIp, 9090, AS_PROXY)).to.equal('ECONNREFUSED');
      expect(connect(pod, loopback, 9090)).to.equal('ECONNREFUSED');
      expect(connect(pod, podIp, 9090)).to.equal('ECONNREFUSED');
    });
  }

  it('says its own address for a connection made to the plain listener itself', async () => {
    expect(connect(peer, '10.99.0.2', 4144)).to.equal('connected');
    expect(await nextLine()).to.deep.include({ listener: 'plain', original: { ip: '10.99.0.2', port: 4144 } });
  });

  it('is the same after it is loaded again', () => {
    const rules = pod.run('nft', 'list', 'ruleset');
    load(pod);
    expect(pod.run('nft', 'list', 'ruleset')).to.equal(rules);
  });

  it('leaves the ports that annotations have moved the proxy to alone, and takes the old ones for the application’s', async () => {
    const moved = ['INBOUND_LISTEN=[::]:5143', 'TAP_PORT=5190', 'ADMIN_LISTEN=[::]:5191'];
    load(
      pod,
      moved.map((variable) => `WEFT_PROXY_${variable}`),
    );
    for (const port of [4143, 4190, 4191]) {
      expect(connect(peer, '10.99.0.2', port), String(port)).to.equal('connected');
      expect(await nextLine()).to.deep.include({ listener: 'plain', original: { ip: '10.99.0.2', port } });
    }
    // Nobody listens there in this test.
    for (const port of [5143, 5190, 5191]) expect(connect(peer, '10.99.0.2', port)).to.equal('ECONNREFUSED');
  });
}
