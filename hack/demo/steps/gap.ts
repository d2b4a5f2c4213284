import { applyFaults, CALLER, FAULTS, noFailure, runningPods } from '../faults.ts';
import { applyText, kubectl } from '../kubectl.ts';
import { sleep } from '../shell.ts';
import type { Check, Step } from '../step.ts';
import { LoadControl } from '../traffic.ts';

const RPS = 100;
const ROUNDS = 3;

function slice(podIp: string, podName: string): string {
  return JSON.stringify({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'gap', namespace: FAULTS, labels: { 'kubernetes.io/service-name': 'gap' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: [
      { addresses: [podIp], conditions: { ready: true }, targetRef: { kind: 'Pod', name: podName, namespace: FAULTS } },
    ],
  });
}

async function withoutEndpoints(gapMs: number): Promise<Check> {
  const [pod] = await runningPods('bulk');
  const manifest = slice(pod!.status.podIP, pod!.metadata.name);
  await applyText(manifest);
  const load = new LoadControl(`gap-${gapMs}`, CALLER);
  await sleep(1_000);
  await load.start({ url: 'http://gap.faults.svc.cluster.local/', rps: RPS, phase: 'gap' });
  await sleep(2_000);
  for (let round = 0; round < ROUNDS; round++) {
    const startedMs = performance.now();
    await kubectl(['-n', FAULTS, 'delete', 'endpointslice', 'gap']);
    await sleep(Math.max(0, gapMs - (performance.now() - startedMs)));
    await applyText(manifest);
    await sleep(2_000);
  }
  return noFailure(`requests through ${ROUNDS} gaps of ${gapMs / 1000} s`, await load.stop(), RPS * 2 * ROUNDS);
}

export const gap: Step = {
  id: 'gap',
  title: 'a Service without endpoints for 0.5 s and for 1.5 s, at 100 requests a second',
  commands: ['kubectl -n faults delete endpointslice gap', 'kubectl apply -f -   # again'],
  async run() {
    await applyFaults();
    return [await withoutEndpoints(500), await withoutEndpoints(1_500)];
  },
};
