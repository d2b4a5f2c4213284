import { join } from 'node:path';
import { applyFile, kubectl, ROOT } from '../demo/kubectl.ts';
import { check, runGroup, type Step, type StepResult } from '../demo/step.ts';
import { FAULTS } from './faults/all.ts';
import type { Fault } from './faults/fault.ts';
import { readRules } from './files.ts';
import { monitoringStep } from './monitoring/step.ts';
import { Prometheus } from './prometheus.ts';
import { type Shorter, shortenRules } from './shortened.ts';
import { type Asking, dataStep, faultsStep, type Limits, quietStep, unrestStep } from './steps.ts';
import { Unrest } from './unrest.ts';
import { deployWorld, keepDiscovering, type Place, POLL, setRate } from './world.ts';

const SHORTER: Shorter = { window: '15s', longWindow: '120s', pending: '2s', staleSeconds: 25 };
const ASKING: Asking = {
  title: 'two minutes of scraping as shipped: ',
  scrapedMs: 120_000,
  // Two scrapes.
  dataMs: 20_000,
  rateInterval: '40s',
  shorter: null,
};
const LIMITS: Limits = { firesMs: 120_000, clearsMs: 200_000 };

/** Two of them: one as shipped, for queries; one with shorter times, for alerts. */
export async function runCluster(directory: string): Promise<boolean> {
  const shipped = await Prometheus.start({ directory: join(directory, 'shipped'), groups: allGroups() });
  const discovering = keepDiscovering(shipped, CLUSTER);
  try {
    return await withWorld(directory, async (quick) => {
      const areTaken = await runSteps([manifestsStep, monitoringStep]);
      const unrest = new Unrest(CLUSTER);
      const seen = [dataStep(shipped, ASKING), unrestStep(quick, unrest, LIMITS)];
      try {
        return (await runSteps([...seen, ...faultSteps(quick, FAULTS)])) && areTaken;
      } finally {
        await unrest.stop();
      }
    });
  } finally {
    await discovering.stop();
    await shipped.stop();
  }
}

/** Only the faults that one of the alerts tells of: for whoever works on them. */
export function runFaults(directory: string, alerts: readonly string[]): Promise<boolean> {
  const isChosen = (fault: Fault): boolean => fault.alerts.some((alert) => alerts.includes(alert));
  const chosen = FAULTS.map((faults) => faults.filter(isChosen)).filter(({ length }) => length > 0);
  return withWorld(directory, async (quick) => {
    // More votes than the rate limit lets through.
    await setRate(0);
    return runSteps(faultSteps(quick, chosen));
  });
}

function allGroups() {
  return readRules().flatMap((file) => file.groups);
}

function faultSteps(quick: Prometheus, faults: readonly (readonly Fault[])[]): Step[] {
  return [...faults.map((together) => faultsStep(quick, together, LIMITS)), quietStep(quick, LIMITS)];
}

/** With a Prometheus that watches it, of which lengths of time are shorter. */
async function withWorld(directory: string, run: (quick: Prometheus) => Promise<boolean>): Promise<boolean> {
  const quick = await Prometheus.start({
    directory: join(directory, 'quick'),
    groups: shortenRules(allGroups(), SHORTER),
    scrapeInterval: '1s',
  });
  const discovering = keepDiscovering(quick, CLUSTER);
  try {
    await deployWorld();
    await applyFile('hack/observability/gateway-api.yaml');
    const holds = await run(quick);
    await kubectl(['delete', 'namespace', POLL, '--wait=false']);
    return holds;
  } finally {
    await discovering.stop();
    await quick.stop();
  }
}

async function runSteps(steps: readonly Step[]): Promise<boolean> {
  const results: StepResult[] = [];
  for (const step of steps) results.push(...(await runGroup([[step]])));
  return results.every(({ checks }) => checks.every(({ holds }) => holds));
}

const CLUSTER: Place = {
  addressing: [],
  reach: (address) => address,
  operator: [],
  async injectUrl() {
    const path = 'jsonpath={.spec.clusterIP}';
    const { stdout } = await kubectl(['-n', 'weft-system', 'get', 'service', 'weft-operator', '-o', path]);
    return `https://${stdout.trim()}/inject`;
  },
};

const SAMPLE = join(ROOT, 'samples', 'observability');
const ACCOUNT = 'system:serviceaccount:weft-observability:prometheus';

/** Without an image nothing starts; what is stored is looked at. */
const manifestsStep: Step = {
  id: 'manifests',
  title: 'manifests of a Prometheus and of the dashboards, as the API server takes them',
  commands: ['kubectl apply -k samples/observability', 'kubectl apply -k samples/observability/grafana'],
  async run() {
    const folders = [SAMPLE, join(SAMPLE, 'grafana')];
    for (const folder of folders) await kubectl(['apply', '-k', folder]);
    const may = async (verb: string, resource: string): Promise<string> => {
      const asked = ['auth', 'can-i', verb, resource, '--all-namespaces', '--as', ACCOUNT];
      return (await kubectl(asked, { anyStatus: true })).stdout.trim();
    };
    const [lists, watches, secrets] = [
      await may('list', 'pods'),
      await may('watch', 'pods'),
      await may('get', 'secrets'),
    ];
    await kubectl(['delete', '--wait=false', '-k', SAMPLE]);
    return [
      check('it may list and watch pods', 'yes, yes', `${lists}, ${watches}`, lists === 'yes' && watches === 'yes'),
      check('it may read Secrets', 'no', secrets, secrets === 'no'),
    ];
  },
};
