import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestApiServer } from '../../hack/apiserver/server.ts';
import { OPERATOR_PORTS } from '../../proxy-image/contract/ports.ts';
import { type MemoryCgroup, openMemoryCgroups } from '../bench/host/cgroup.ts';
import { cpuMs } from '../bench/host/cpu.ts';
import type { Program, Programs } from '../bench/host/programs.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BUNDLE_MS = 60_000;
/** `terminationGracePeriodSeconds` of the Deployment. */
const GRACE_MS = 45_000;
const READY_MS = 120_000;
const KIB = 1_024;
/** `operator.resources.limits.memory`: V8 makes its heap of it. */
const LIMIT_BYTES = KIB ** 3;

/** The operator's bundle, and the flags under which its image starts it. */
export interface OperatorImage {
  bundle: string;
  flags: string[];
}

/** @param withNames not minified: the same code, with names that a profile can show */
export function makeImage(directory: string, withNames: boolean): OperatorImage {
  mkdirSync(directory, { recursive: true });
  const bundle = join(directory, 'operator.mjs');
  const args = [join(ROOT, 'hack/images/bundle.ts'), join(ROOT, 'operator/main.ts'), bundle, 'node'];
  const all = withNames ? [...args, '--names'] : args;
  const done = spawnSync(process.execPath, all, { cwd: ROOT, timeout: BUNDLE_MS, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`the operator could not be bundled: ${done.stderr.trim()}`);
  return { bundle, flags: imageFlags() };
}

/** Between the runtime and the program, in the Dockerfile's ENTRYPOINT. */
function imageFlags(): string[] {
  const text = readFileSync(join(ROOT, 'operator/Dockerfile'), 'utf8');
  const [, list] = /^ENTRYPOINT (\[.*\])$/m.exec(text) ?? [];
  const words = JSON.parse(list ?? '[]') as string[];
  return words.filter((word) => word.startsWith('--'));
}

export interface OperatorUse {
  /** Since the process began, ms. */
  cpuMs: number;
  /** As the kubelet counts it: working set of its cgroup; without cgroups resident memory. */
  memoryBytes: number;
  residentBytes: number;
}

export interface OperatorsOptions {
  api: TestApiServer;
  programs: Programs;
  image: OperatorImage;
  /** Of logs, and of profiles where there are to be any. */
  directory: string;
  profile: boolean;
  /** Addresses that this machine has, one for each replica. */
  hosts: readonly string[];
}

/** The replicas, each at an address of its own with the ports that it has in a cluster, and in a memory cgroup of its own. */
export class Operators {
  readonly #options: OperatorsOptions;
  readonly #replicas: { host: string; name: string; program: Program; cgroup: MemoryCgroup | null; starts: number }[] =
    [];
  readonly #cgroups = openMemoryCgroups();

  constructor(options: OperatorsOptions) {
    this.#options = options;
  }

  get hasCgroups(): boolean {
    return this.#cgroups.groups !== null;
  }

  get hosts(): readonly string[] {
    return this.#options.hosts;
  }

  get names(): string[] {
    return this.#options.hosts.map((_, at) => `weft-operator-${at}`);
  }

  async start(): Promise<void> {
    for (const [at, host] of this.#options.hosts.entries()) {
      const name = this.names[at]!;
      const cgroup = this.#cgroups.groups?.create(name) ?? null;
      cgroup?.limit(LIMIT_BYTES);
      this.#replicas.push({ host, name, cgroup, starts: 0, program: this.#launch(host, name, cgroup) });
    }
    await Promise.all(this.#replicas.map((_, at) => this.#ready(at)));
  }

  /** Ends one: in order, with the time that a pod has for it, or by SIGKILL. */
  async end(at: number, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.#replicas[at]!.program.stop(GRACE_MS, signal);
  }

  /** Starts one anew that has ended; resolves when it is ready. */
  async begin(at: number): Promise<void> {
    const replica = this.#replicas[at]!;
    replica.program = this.#launch(replica.host, replica.name, replica.cgroup);
    await this.#ready(at);
  }

  assertRunning(): void {
    for (const { program } of this.#replicas) program.assertRunning();
  }

  use(): OperatorUse[] {
    return this.#replicas.map(({ program, cgroup }) => {
      const residentBytes = residentBytesOf(program.pid);
      return { cpuMs: cpuMs(program.pid), memoryBytes: cgroup?.workingSetBytes() ?? residentBytes, residentBytes };
    });
  }

  /** Text of `/metrics` of each. */
  metrics(): Promise<string[]> {
    return Promise.all(
      this.#replicas.map(async ({ host }) => (await fetch(`http://${host}:${OPERATOR_PORTS.admin}/metrics`)).text()),
    );
  }

  /** Heap snapshots, into the directory. */
  snapshot(at: number): void {
    process.kill(this.#replicas[at]!.program.pid, 'SIGUSR2');
  }

  async stop(): Promise<void> {
    await Promise.all(this.#replicas.map(({ program }) => program.stop(GRACE_MS, 'SIGKILL')));
    await this.#cgroups.groups?.remove();
  }

  #launch(host: string, name: string, cgroup: MemoryCgroup | null): Program {
    const { api, programs, image, directory, profile } = this.#options;
    const flags = [...image.flags, '--heapsnapshot-signal=SIGUSR2', '--diagnostic-dir', directory];
    const profiling = profile ? ['--cpu-prof', `--cpu-prof-dir=${directory}`] : [];
    return programs.start(name, {
      argv: [process.execPath, ...flags, ...profiling, image.bundle],
      env: {
        KUBECONFIG: api.kubeconfigPath,
        NODE_ENV: 'production',
        POD_NAME: name,
        WEFT_OPERATOR_HOST: host,
        WEFT_OPERATOR_WEBHOOK_URL: `https://${this.#options.hosts[0]}:${OPERATOR_PORTS.webhooks}`,
      },
      log: join(directory, `${name}.log`),
      ...(cgroup === null ? {} : { cgroup: cgroup.path }),
    });
  }

  #ready(at: number): Promise<void> {
    const { program, host } = this.#replicas[at]!;
    const url = `http://${host}:${OPERATOR_PORTS.admin}/ready`;
    return program.waitUntil(async () => {
      const answer = await fetch(url, { signal: AbortSignal.timeout(1_000) }).catch(() => null);
      return answer?.status === 200;
    }, READY_MS);
  }
}

function residentBytesOf(pid: number): number {
  try {
    const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kib ?? 0) * KIB;
  } catch {
    return 0;
  }
}

/** Addresses of loopback's interface that are no loopback addresses: the API server takes no others for endpoints. */
export function giveAddresses(hosts: readonly string[]): void {
  for (const host of hosts) execFileSync('ip', ['address', 'add', `${host}/32`, 'dev', 'lo']);
}
