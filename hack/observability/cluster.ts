import { join } from 'node:path';
import { applyFile, kubectl, ROOT } from '../demo/kubectl.ts';
import { sleep } from '../demo/shell.ts';
import { check, runGroup, type Step, type StepResult } from '../demo/step.ts';
import { FAULTS, type Fault } from './faults.ts';
import { readAlerts, readRules } from './files.ts';
import { Prometheus } from './prometheus.ts';
import { allQueries, cleared, fired, legible, queriesReturnData, timed, uncalledFor } from './proof.ts';
import { type Shorter, shortenRules } from './shortened.ts';
import { calm, UNREST_ALERTS, Unrest } from './unrest.ts';
import { deployWorld, keepDiscovering, type Place, POLL, selections, setRate } from './world.ts';

const SHORTER: Shorter = { window: '15s', longWindow: '120s', pending: '2s', staleSeconds: 25 };
const SCRAPED_MS = 120_000;
/** Two scrapes: a query is not to blame for the moment in which it is asked. */
const DATA_MS = 20_000;
const RATE_INTERVAL = '40s';
const FIRES_MS = 120_000;
const CLEARS_MS = 200_000;
const SETTLE_MS = 20_000;

/** Two of them: one as shipped, for queries; one with shorter times, for alerts. */
export async function runCluster(directory: string): Promise<boolean> {
  const groups = readRules().flatMap((file) => file.groups);
  const shipped = await Prometheus.start({ directory: join(directory, 'shipped'), groups });
  const quick = await Prometheus.start({
    directory: join(directory, 'quick'),
    groups: shortenRules(groups, SHORTER),
    scrapeInterval: '1s',
  });
  const discovering = [shipped, quick].map((prometheus) => keepDiscovering(prometheus, CLUSTER));
  try {
    await deployWorld();
    await applyFile('hack/observability/gateway-api.yaml');
    const unrest = new Unrest(CLUSTER);
    const results: StepResult[] = [];
    const steps = [
      manifestsStep,
      dataStep(shipped),
      unrestStep(quick, unrest),
      ...FAULTS.map((faults) => faultsStep(quick, faults)),
      quietStep(quick),
    ];
    for (const step of steps) results.push(...(await runGroup([[step]])));
    await unrest.stop();
    await kubectl(['delete', 'namespace', POLL, '--wait=false']);
    return results.every(({ checks }) => checks.every(({ holds }) => holds));
  } finally {
    await Promise.all(discovering.map((loop) => loop.stop()));
    await Promise.all([shipped.stop(), quick.stop()]);
  }
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
  id: '0',
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

function dataStep(prometheus: Prometheus): Step {
  return {
    id: '1',
    title: 'two minutes of scraping as shipped: every query of every rule, alert and panel returns data',
    commands: [],
    async run() {
      await sleep(SCRAPED_MS);
      const chosen = await selections();
      return queriesReturnData(prometheus, allQueries(chosen, RATE_INTERVAL, null), chosen, DATA_MS);
    },
  };
}

function unrestStep(prometheus: Prometheus, unrest: Unrest): Step {
  return {
    id: '2',
    title: 'alerts on traffic: while requests fail, are slow, denied, lead nowhere; and afterwards',
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

function faultsStep(prometheus: Prometheus, faults: readonly Fault[]): Step {
  const alerts = faults.flatMap((fault) => fault.alerts);
  return {
    id: '3',
    title: faults.map(({ title }) => title).join('; '),
    commands: [],
    async run() {
      const early = await cleared(prometheus, alerts, CLEARS_MS, calm);
      const loud = alerts.filter((alert) => early.get(alert) === null);
      // An alert may be over before the last of the faults is made.
      const firing = fired(prometheus, alerts, FIRES_MS);
      await Promise.all(faults.map((fault) => fault.make()));
      const on = await firing;
      const mendedMs = performance.now();
      await Promise.all(faults.map((fault) => fault.mend()));
      const off = await cleared(prometheus, alerts, CLEARS_MS, calm, mendedMs);
      const before = check('alerts that fire before', 'none', loud.join(', ') || 'none', loud.length === 0);
      return [before, ...timed('fires', on), ...timed('is cleared', off)];
    },
  };
}

/** At the end nothing is wrong, and nothing fires. */
function quietStep(prometheus: Prometheus): Step {
  return {
    id: '4',
    title: 'when all is mended',
    commands: [],
    async run() {
      const names = readAlerts().map(({ alert }) => alert ?? '');
      await cleared(prometheus, names, CLEARS_MS, calm);
      await sleep(SETTLE_MS);
      const left = await uncalledFor(prometheus, []);
      return [check('alerts that fire', 'none', left.join(', ') || 'none', left.length === 0)];
    },
  };
}
