import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { V1Pod } from '@kubernetes/client-node';
import type { TestApiServer } from '../../../hack/apiserver/server.ts';
import { LocalProcess } from '../../../hack/local/process.ts';
import { OPERATOR_PORTS } from '../../../proxy-image/contract/ports.ts';
import { kubeconfigText } from '../../integration/operator/plane.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const NODE = join(ROOT, 'node_modules', '.bin', 'node');
/** As the pod's `terminationGracePeriodSeconds`. */
const GRACE_MS = 45_000;
const PROBE_MS = 2_000;

/** A pod of the control plane: `operator/main.ts` with the environment and the rights that the Deployment gives it, on the pod's address and the ports of production. */
export class OperatorPod {
  readonly address: string;
  readonly #pod: V1Pod;
  readonly #directory: string;
  #process: LocalProcess;
  #stopping = false;
  restarts = 0;

  constructor(api: TestApiServer, pod: V1Pod, address: string, token: string, directory: string) {
    this.address = address;
    this.#pod = pod;
    this.#directory = join(directory, pod.metadata?.name ?? 'pod');
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    writeFileSync(join(this.#directory, 'kubeconfig'), kubeconfigText(api, token), { mode: 0o600 });
    this.#process = this.#begin();
  }

  async ready(): Promise<boolean> {
    // As a container that has ended: a leader that has lost its lease ends, for another one leads.
    if (this.#process.exitCode !== null && !this.#stopping) {
      this.restarts += 1;
      this.#process = this.#begin();
    }
    const url = `http://${this.address}:${OPERATOR_PORTS.admin}/ready`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(PROBE_MS) }).catch(() => null);
    await answer?.body?.cancel();
    return answer?.status === 200;
  }

  stop(): Promise<void> {
    this.#stopping = true;
    return this.#process.stop(GRACE_MS);
  }

  #begin(): LocalProcess {
    const [container] = this.#pod.spec?.containers ?? [];
    const fields: Readonly<Record<string, string | undefined>> = {
      'metadata.name': this.#pod.metadata?.name,
      'metadata.namespace': this.#pod.metadata?.namespace,
    };
    const given = (container?.env ?? []).map(({ name, value, valueFrom }) => [
      name,
      value ?? fields[valueFrom?.fieldRef?.fieldPath ?? ''] ?? '',
    ]);
    return new LocalProcess({
      command: NODE,
      args: [join(ROOT, 'operator', 'main.ts'), ...(container?.args ?? [])],
      env: {
        PATH: process.env['PATH'] ?? '',
        ...(Object.fromEntries(given) as Record<string, string>),
        KUBECONFIG: join(this.#directory, 'kubeconfig'),
        WEFT_OPERATOR_HOST: this.address,
      },
      log: join(this.#directory, 'operator.log'),
      cwd: ROOT,
    });
  }
}
