import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import { Cluster, CRDS, kubeconfigText } from './plane.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const NAMESPACE = 'election';
const LEASE_MS = 6_000;
const RENEW_DEADLINE_MS = 5_000;
const RETRY_MS = 300;
/** For processes of a busy machine to come up, to notice and to say so. */
const PATIENCE_MS = 30_000;

/** One `node operator/main.ts`, as the image runs it. */
class OperatorProcess {
  readonly lines: Record<string, unknown>[] = [];
  readonly exited: Promise<number | string>;
  readonly #child: ChildProcess;
  #partial = '';

  constructor(name: string, env: Record<string, string>) {
    const entry = join(ROOT, 'operator', 'main.ts');
    this.#child = spawn(process.execPath, ['--disable-warning=DEP0040', entry], {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: process.env['PATH'] ?? '',
        POD_NAME: name,
        WEFT_OPERATOR_HOST: '127.0.0.1',
        WEFT_OPERATOR_LEASE_MS: String(LEASE_MS),
        WEFT_OPERATOR_RENEW_DEADLINE_MS: String(RENEW_DEADLINE_MS),
        WEFT_OPERATOR_RETRY_MS: String(RETRY_MS),
        WEFT_OPERATOR_LAME_DUCK_MS: '100',
        ...Object.fromEntries(
          ['WEBHOOK', 'CONFIG', 'IDENTITY', 'ADMIN'].map((port) => [`WEFT_OPERATOR_${port}_PORT`, '0']),
        ),
        ...env,
      },
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    // 'close' comes when all that it has said has been read, 'exit' may come before.
    this.exited = new Promise((resolve) => this.#child.once('close', (code, signal) => resolve(code ?? signal ?? '')));
  }

  said(message: string): boolean {
    return this.lines.some((line) => line['message'] === message);
  }

  /** When it said so, by its own clock. */
  saidAtMs(message: string): number {
    return Date.parse(String(this.lines.find((line) => line['message'] === message)?.['timestamp']));
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async end(): Promise<void> {
    this.signal('SIGCONT');
    this.signal('SIGKILL');
    await this.exited;
  }

  #read(text: string): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) {
      try {
        this.lines.push(JSON.parse(line));
      } catch {
        this.lines.push({ message: line });
      }
    }
  }
}

describe('two operators at a real API server', function () {
  this.timeout(90_000);
  let api: TestApiServer;
  let cluster: Cluster;
  const started: OperatorProcess[] = [];

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = await startApiServer();
    cluster = new Cluster(api);
    await cluster.apply('namespaces', '', NAMESPACE, {});
  });

  after(async () => {
    for (const each of started) await each.end();
    await cluster?.close();
    await api?.stop();
  });

  function start(name: string, env: Record<string, string> = {}): OperatorProcess {
    const operator = new OperatorProcess(name, {
      KUBECONFIG: api.kubeconfigPath,
      WEFT_OPERATOR_DEFINITIONS_DIR: CRDS,
      WEFT_OPERATOR_ROLES: 'controllers,config,identity',
      ...env,
    });
    started.push(operator);
    return operator;
  }

  async function holder(): Promise<string> {
    const lease = await cluster.get('leases', 'weft-system', 'weft-operator').catch(() => null);
    return String((lease?.['spec'] as { holderIdentity?: string } | undefined)?.holderIdentity ?? '');
  }

  async function becomesReady(name: string, withinMs: number): Promise<void> {
    await cluster.apply('servers', NAMESPACE, name, { spec: { podSelector: {}, port: 80 } });
    await cluster.condition('servers', NAMESPACE, name, 'Ready', 'True', withinMs);
  }

  it('one leads and writes; both serve', async () => {
    const first = start('op-a');
    await eventually('the first leads', async () => (await holder()) === 'op-a', PATIENCE_MS);
    const second = start('op-b');
    await eventually(
      'the second serves',
      () => second.lines.filter(({ message }) => message === 'listening').length === 2,
      PATIENCE_MS,
    );
    expect(second.said('became the leader')).to.equal(false);
    expect(first.said('became the leader')).to.equal(true);
    await becomesReady('one', PATIENCE_MS);
  });

  it('a leader that is asked to end gives the lease back, and the other writes within a retry or two', async () => {
    const [first, second] = started;
    first!.signal('SIGTERM');
    await eventually('handed over', async () => (await holder()) === 'op-b', PATIENCE_MS);
    expect(await first!.exited).to.equal(0);
    expect(first!.said('released the lease')).to.equal(true);
    await eventually('says so', () => second!.said('became the leader'), PATIENCE_MS);
    const vacantMs = second!.saidAtMs('became the leader') - first!.saidAtMs('released the lease');
    expect(vacantMs, 'sooner than an expiry').to.be.below(LEASE_MS);
    await becomesReady('two', PATIENCE_MS);
  });

  it('a leader that is killed is replaced after its lease, and nothing is left undone', async () => {
    const third = start('op-c');
    await eventually('the third serves', () => third.said('listening'), PATIENCE_MS);
    started[1]!.signal('SIGKILL');
    await cluster.apply('servers', NAMESPACE, 'three', { spec: { podSelector: {}, port: 80 } });
    await eventually('taken over', async () => (await holder()) === 'op-c', LEASE_MS + PATIENCE_MS);
    await cluster.condition('servers', NAMESPACE, 'three', 'Ready', 'True', PATIENCE_MS);
    const lease = await cluster.get('leases', 'weft-system', 'weft-operator');
    expect((lease['spec'] as { leaseTransitions: number }).leaseTransitions).to.be.at.least(2);
  });

  it('E13: a leader that was stopped (SIGSTOP) ends when it wakes up, with exit status 3, without writing', async () => {
    const stalled = started[2]!;
    const fourth = start('op-d');
    await eventually('the fourth serves', () => fourth.said('listening'), PATIENCE_MS);
    stalled.signal('SIGSTOP');
    await eventually('taken over', async () => (await holder()) === 'op-d', LEASE_MS + PATIENCE_MS);
    stalled.signal('SIGCONT');
    expect(await stalled.exited).to.equal(3);
    expect(await holder()).to.equal('op-d');
    await becomesReady('four', PATIENCE_MS);
    fourth.signal('SIGTERM');
    expect(await fourth.exited).to.equal(0);
  });

  it('does everything with the rights of its ServiceAccount, and not one request is forbidden', async () => {
    const token = await cluster.installWithRights();
    const config = kubeconfigText(api, token);
    const { writeFileSync } = await import('node:fs');
    const file = join(api.directory, 'operator.kubeconfig');
    writeFileSync(file, config, { mode: 0o600 });
    const operator = start('op-e', { KUBECONFIG: file, WEFT_OPERATOR_DEFINITIONS_DIR: '', WEFT_OPERATOR_ROLES: '' });
    await eventually('leads', () => operator.said('became the leader'), PATIENCE_MS);
    await becomesReady('five', 10_000);
    // Operators before it had no ClusterRole and left configurations without an owner.
    const webhook = await eventually('webhooks of its own', async () => {
      const found = await cluster.get('validatingwebhookconfigurations', '', 'weft-validator').catch(() => null);
      return found?.metadata.ownerReferences === undefined ? null : found;
    });
    await eventually('the other', () =>
      cluster.get('mutatingwebhookconfigurations', '', 'weft-injector').catch(() => null),
    );
    expect(webhook.metadata.ownerReferences).to.have.length(1);
    expect(webhook.metadata.ownerReferences![0]).to.include({ kind: 'ClusterRole', name: 'weft-operator' });
    await cluster.apply('servers', NAMESPACE, 'stalls', { spec: { externalWorkloadSelector: {}, port: 80 } });
    await eventually('an Event', async () => (await cluster.list('events', NAMESPACE)).items.length > 0);
    const failures = operator.lines.filter(({ error }) => /forbidden|cannot/i.test(String(error)));
    expect(failures).to.deep.equal([]);
    // Nor does any line hold what the operator proves itself with, or a key that it made (F12).
    expect(JSON.stringify(operator.lines)).not.to.contain(token).and.not.to.contain('PRIVATE KEY');
    // A Secret that the Role does not name is a condition, and nothing that was issued before is lost.
    await cluster.apply('meshes', '', 'default', {
      spec: { identity: { issuer: { type: 'Secret', secretName: 'mine' } } },
    });
    const refused = await cluster.condition('meshes', '', 'default', 'Ready', 'False', PATIENCE_MS);
    expect(refused.reason).to.equal('DependencyNotReady');
    expect(refused.message).to.contain('secrets "mine" is forbidden');
    await cluster.apply('meshes', '', 'default', { spec: {} });
    await cluster.condition('meshes', '', 'default', 'Ready', 'True', PATIENCE_MS);
    operator.signal('SIGTERM');
    expect(await operator.exited).to.equal(0);
  });
});
