import { dirname, join } from 'node:path';
import { kubectl } from '../demo/kubectl.ts';
import { runGroup, type Step } from '../demo/step.ts';
import { loopbackAddress } from '../local/addresses.ts';
import { LocalApi } from '../local/api.ts';
import { type ControlPlane, startControlPlane } from '../local/control-plane.ts';
import { LocalKubelet } from '../local/kubelet.ts';
import type { TargetGroup } from './discovery.ts';
import { readRules } from './files.ts';
import { Prometheus } from './prometheus.ts';
import { allQueries, cleared, fired, legible, queriesReturnData, timed } from './proof.ts';
import { type Shorter, shortenRules } from './shortened.ts';
import { calm, UNREST_ALERTS, Unrest } from './unrest.ts';
import { deployWorld, keepDiscovering, type Place, selections, setRate } from './world.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const BIN = join(ROOT, 'node_modules', '.bin');
const SHORTER: Shorter = { window: '12s', longWindow: '60s', pending: '1s', staleSeconds: 25 };
const DATA_MS = 90_000;
const FIRES_MS = 60_000;
const CLEARS_MS = 90_000;

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
    await deployWorld();
    const unrest = new Unrest(place);
    const results = [
      ...(await runGroup([[dataStep(prometheus)]])),
      ...(await runGroup([[alertsStep(prometheus, unrest)]])),
    ];
    await unrest.stop();
    return results.every(({ checks }) => checks.every(({ holds }) => holds));
  } finally {
    await discovering.stop();
    await prometheus.stop();
  }
}

function dataStep(prometheus: Prometheus): Step {
  return {
    id: 'data',
    title: 'every query of every rule, alert and panel returns data',
    commands: [],
    async run() {
      const chosen = await selections();
      return queriesReturnData(prometheus, allQueries(chosen, '10s', SHORTER), chosen, DATA_MS);
    },
  };
}

function alertsStep(prometheus: Prometheus, unrest: Unrest): Step {
  return {
    id: 'alerts',
    title: 'alerts fire while things go wrong, and are cleared when they no longer do',
    commands: [],
    async run() {
      const on = await fired(prometheus, UNREST_ALERTS, FIRES_MS);
      const texts = await legible(prometheus);
      await Promise.all([unrest.stop(), setRate(0)]);
      const off = await cleared(prometheus, UNREST_ALERTS, CLEARS_MS, calm);
      return [...timed('fires', on), texts, ...timed('is cleared', off)];
    },
  };
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
