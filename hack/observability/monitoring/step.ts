/** The objects for a Prometheus operator, judged by its own definitions in a real API server. */
import { join } from 'node:path';
import { kubectl } from '../../demo/kubectl.ts';
import { shell } from '../../demo/shell.ts';
import { type Check, check, type Step } from '../../demo/step.ts';
import { FOLDER } from '../files.ts';
import { podMonitors, prometheusRules } from '../prometheus-operator.ts';

const OBJECTS = join(FOLDER, 'prometheus-operator');
const GROUP = 'monitoring.coreos.com';
const PLURALS = ['podmonitors', 'prometheusrules'];
/** The first time, the Go module is fetched. */
const FETCH_MS = 600_000;

/** Nothing is stored, and fields that the definition does not have are refused instead of dropped. */
const JUDGED = ['apply', '--dry-run=server', '--validate=strict'];

export const monitoringStep: Step = {
  id: 'monitoring',
  title: 'PodMonitors and PrometheusRules, as the definitions of the Prometheus operator take them',
  commands: ['kubectl apply -k samples/observability/prometheus-operator'],
  async run() {
    const added = await addDefinitions();
    try {
      return await Promise.all([taken(), refusesMistakes()]);
    } finally {
      if (added.length > 0) await kubectl(['delete', 'crd', '--wait=false', ...added]);
    }
  },
};

/** Those of a cluster that has them stay as they are. Returns the names of the others. */
async function addDefinitions(): Promise<string[]> {
  const script = join(import.meta.dirname, 'definitions');
  const folder = (await shell(script, [], { timeoutMs: FETCH_MS })).stdout.trim();
  const listed = (await kubectl(['get', 'crd', '-o', 'name'])).stdout;
  const absent = PLURALS.filter((plural) => !listed.includes(`/${plural}.${GROUP}\n`));
  for (const plural of absent) await kubectl(['create', '-f', join(folder, `${GROUP}_${plural}.yaml`)]);
  const names = absent.map((plural) => `${plural}.${GROUP}`);
  if (names.length > 0) await kubectl(['wait', '--for=condition=Established', '--timeout=30s', 'crd', ...names]);
  return names;
}

async function taken(): Promise<Check> {
  const { code, stdout, stderr } = await kubectl([...JUDGED, '-k', OBJECTS], { anyStatus: true });
  const objects = stdout.split('\n').filter((line) => line.includes(GROUP));
  const wanted = podMonitors().length + prometheusRules().length;
  const measured = code === 0 ? `${objects.length} objects` : stderr.trim();
  return check('they are taken', `${wanted} objects`, measured, code === 0 && objects.length === wanted);
}

/** Otherwise the step would say nothing. */
async function refusesMistakes(): Promise<Check> {
  const misspelt = [podMonitors()[0], prometheusRules()[0]].map((object) =>
    JSON.stringify(object).replace('"honorLabels"', '"honourLabels"').replaceAll('"expr"', '"expression"'),
  );
  const answers = await Promise.all(
    misspelt.map((input) => kubectl([...JUDGED, '-f', '-'], { input, anyStatus: true })),
  );
  const refused = answers.filter(({ code, stderr }) => code !== 0 && /unknown field/.test(stderr)).length;
  return check(
    'objects with a misspelt field that are refused',
    `all ${misspelt.length}`,
    refused,
    refused === misspelt.length,
  );
}
