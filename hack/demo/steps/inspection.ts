import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { CONTROL_PLANE_NAMESPACE } from '../../../proxy-image/contract/names.ts';
import { getJson } from '../kubectl.ts';
import { until } from '../shell.ts';
import { type Check, check, type Step } from '../step.ts';
import { weft } from '../weft.ts';

/** The namespace of `samples/poll`. */
const POLL = 'poll';
/** A proxy has the newest within moments of a change; other steps may have made one. */
const CURRENT_MS = 30_000;

interface Slices {
  items: { endpoints: { addresses: string[]; conditions: { ready?: boolean } }[] }[];
}

/** What takes a kubelet: answers of pods and proxies, through the API server and from within. */
export const inspection: Step = {
  id: 'v',
  title: 'The command asks proxies themselves',
  commands: [
    'weft metrics -n poll deploy/web',
    'weft identity -n poll deploy/web',
    'weft endpoints ballots.poll',
    'weft proxy-status -A',
    'weft authz -n poll deploy/ballots',
    'weft diagnostics',
  ],
  async run(): Promise<Check[]> {
    return [
      await metrics(),
      await identity(),
      await endpoints(),
      ...(await proxies()),
      await authz(),
      await diagnostics(),
    ];
  },
};

async function metrics(): Promise<Check> {
  const { stdout, stderr } = await weft(['-n', POLL, 'metrics', 'deploy/web']);
  const has = /^# POD web-\S+ \(1 of \d+\)$/m.test(stdout) && /^response_total\{/m.test(stdout);
  return check('metrics of proxies, by way of the API server', 'response_total of each pod', has ? 'so' : stderr, has);
}

/** By way of the node: nothing else reaches the port of the mesh. */
async function identity(): Promise<Check> {
  const { stdout, stderr } = await weft(['-n', POLL, 'identity', 'deploy/web', '-o', 'json']);
  const shown = JSON.parse(stdout) as { identity: string; faults: string[]; certificates: unknown[] }[];
  const good = shown.filter(({ faults, certificates }) => faults.length === 0 && certificates.length > 1);
  const holds = shown.length > 0 && good.length === shown.length;
  return check('certificates of proxies, from within their pods', 'no fault', stderr.trim() || 'no fault', holds);
}

async function endpoints(): Promise<Check> {
  const { stdout } = await weft(['endpoints', `ballots.${POLL}`, '-o', 'json']);
  const told = (JSON.parse(stdout) as { ip: string }[]).map(({ ip }) => ip).toSorted();
  const { items } = await getJson<Slices>('-n', POLL, 'endpointslices', '-l', 'kubernetes.io/service-name=ballots');
  const ready = items.flatMap(({ endpoints: all }) =>
    all.flatMap(({ addresses, conditions }) => (conditions.ready === false ? [] : addresses)),
  );
  const wanted = [...new Set(ready)].toSorted();
  const holds = wanted.length > 0 && [...new Set(told)].join() === wanted.join();
  return check('endpoints of a Service', wanted.join(' '), told.join(' '), holds);
}

async function proxies(): Promise<Check[]> {
  const list = async () => {
    // Its status is 1 while some proxy is not connected.
    const found = await weft(['proxy-status', '-A', '-o', 'json']).catch(() => null);
    const rows = JSON.parse(found?.stdout ?? '[]') as { namespace: string; name: string; state: string }[];
    // What watches the resources itself has no stream that could say.
    const told = rows.filter(({ state }) => state !== 'direct');
    return told.length > 0 && told.every(({ state }) => state === 'current') ? told : null;
  };
  const { value: rows } = await until('all proxies are current', CURRENT_MS, list);
  const { name } = rows.find(({ namespace }) => namespace === POLL)!;
  const { code, stdout } = await weft(['-n', POLL, 'proxy-status', name]);
  const isAsked = code === 0 && !stdout.includes('could not be asked') && /^√ workload\//m.test(stdout);
  return [
    check('proxies that are current', 'all', `${rows.length}`, rows.length > 0),
    check('a proxy, asked on its control port', 'has what it should have', isAsked ? 'so' : stdout, isAsked),
  ];
}

async function authz(): Promise<Check> {
  const { stdout, stderr } = await weft(['-n', POLL, 'authz', 'deploy/ballots', '-t', '5m']);
  const has = /^default +default:\S+ +default\/\S+ +0\.0rps +\d+\.\d\d% /m.test(stdout);
  return check(
    'what authorizes requests, and what came of them',
    'the default policy',
    has ? 'so' : stdout + stderr,
    has,
  );
}

/** The issuer's key is the greatest secret that there is. */
async function diagnostics(): Promise<Check> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-diagnostics-'));
  try {
    const file = join(folder, 'bundle.tar.gz');
    const { stderr } = await weft(['diagnostics', '-f', file]);
    const names = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' });
    const bundle = gunzipSync(readFileSync(file)).toString('latin1');
    const secret = await getJson<{ data: Record<string, string> }>(
      '-n',
      CONTROL_PLANE_NAMESPACE,
      'secret',
      'weft-identity-issuer',
    );
    const key =
      Buffer.from(secret.data['tls.key'] ?? '', 'base64')
        .toString()
        .split('\n')[1] ?? '';
    const isWhole = /\/logs\/weft-operator-\S+\/operator\.log$/m.test(names) && !stderr.includes('×');
    const holds = isWhole && key.length > 20 && !bundle.includes(key);
    return check('an archive of what is needed, without secrets', 'all parts, no key', holds ? 'so' : stderr, holds);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
