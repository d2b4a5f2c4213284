import { dirname, join } from 'node:path';
import { kubectl } from '../demo/kubectl.ts';
import { runGroup } from '../demo/step.ts';
import { loopbackAddress } from '../local/addresses.ts';
import { LocalApi } from '../local/api.ts';
import { type ControlPlane, startControlPlane } from '../local/control-plane.ts';
import { LocalKubelet } from '../local/kubelet.ts';
import type { TargetGroup } from './discovery.ts';
import { readRules } from './files.ts';
import { monitoringStep } from './monitoring/step.ts';
import { Prometheus } from './prometheus.ts';
import { type Shorter, shortenRules } from './shortened.ts';
import { type Asking, dataStep, type Limits, unrestStep } from './steps.ts';
import { Unrest } from './unrest.ts';
import { deployWorld, keepDiscovering, type Place } from './world.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const BIN = join(ROOT, 'node_modules', '.bin');
const SHORTER: Shorter = { window: '12s', longWindow: '60s', pending: '1s', staleSeconds: 25 };
const ASKING: Asking = { title: '', scrapedMs: 0, dataMs: 90_000, rateInterval: '10s', shorter: SHORTER };
const LIMITS: Limits = { firesMs: 60_000, clearsMs: 90_000 };

export async function runEmbedded(directory: string): Promise<boolean> {
  const node = join(BIN, 'node');
  const plane = await startControlPlane(ROOT, directory, node);
  const { configPort, identityPort } = plane;
  const settings = {
    root: ROOT,
    directory,
    nodePath: node,
    bunPath: join(BIN, 'bun'),
    controlHost: '127.0.0.1',
    configPort,
    identityPort,
  };
  const kubelet = new LocalKubelet(new LocalApi(plane.api.kubeconfigPath), settings);
  try {
    process.env['KUBECONFIG'] = plane.api.kubeconfigPath;
    process.env['WEFT_LOCAL'] = directory;
    process.env['PATH'] = `${dirname(plane.api.kubectlPath)}:${BIN}:${process.env['PATH']}`;
    await kubelet.start();
    return await prove(directory, placeOf(plane));
  } finally {
    await kubelet.stop();
    await plane.stop();
  }
}

async function prove(directory: string, place: Place): Promise<boolean> {
  await kubectl(['apply', '-f', join(ROOT, 'hack', 'local', 'mesh.yaml')]);
  const groups = shortenRules(
    readRules().flatMap((file) => file.groups),
    SHORTER,
  );
  const prometheus = await Prometheus.start({
    directory: join(directory, 'prometheus'),
    scrapeInterval: '1s',
    groups,
    addressing: place.addressing,
  });
  const discovering = keepDiscovering(prometheus, place);
  try {
    const taken = await runGroup([[monitoringStep]]);
    await deployWorld();
    const unrest = new Unrest(place);
    const results = [
      ...taken,
      ...(await runGroup([[dataStep(prometheus, ASKING)]])),
      ...(await runGroup([[unrestStep(prometheus, unrest, LIMITS)]])),
    ];
    await unrest.stop();
    return results.every(({ checks }) => checks.every(({ holds }) => holds));
  } finally {
    await discovering.stop();
    await prometheus.stop();
  }
}

function placeOf(plane: ControlPlane): Place {
  const own = loopbackAddress(0).slice(0, -1);
  return {
    addressing: [
      {
        source_labels: ['__address__'],
        target_label: '__address__',
        regex: '10\\.244\\.0\\.(.+)',
        replacement: `${own}$1`,
      },
    ],
    reach: (address) => address.replace('10.244.0.', own),
    operator: [operatorTarget(plane.adminPort)],
    async injectUrl() {
      const path = 'jsonpath={.items[0].webhooks[0].clientConfig.url}';
      return (await kubectl(['get', 'mutatingwebhookconfigurations', '-o', path])).stdout.trim();
    },
  };
}

/** As discovery would find the pod of the operator (operator/deploy/operator.yaml). */
function operatorTarget(adminPort: number): TargetGroup {
  return {
    targets: [`127.0.0.1:${adminPort}`],
    labels: {
      __meta_kubernetes_namespace: 'weft-system',
      __meta_kubernetes_pod_name: 'weft-operator-local',
      __meta_kubernetes_pod_phase: 'Running',
      __meta_kubernetes_pod_container_name: 'operator',
      __meta_kubernetes_pod_container_port_name: 'admin',
      __meta_kubernetes_pod_label_app_kubernetes_io_name: 'weft-operator',
      __meta_kubernetes_pod_label_app_kubernetes_io_part_of: 'weft',
    },
  };
}
