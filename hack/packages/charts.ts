import { stringify } from 'yaml';
import { everyObject } from '../../cli/install/objects.ts';
import { SETTINGS, type SettingName } from '../../cli/install/settings.ts';
import { SOURCES } from '../../cli/install/sources.ts';
import type { Template } from '../../cli/install/template.ts';
import type { TemplateFile, Templates } from '../../cli/install/templates.ts';
import { chartTest } from './chart-test.ts';
import { documents, recordTemplate } from './text.ts';
import { schemaText, valuesText } from './values.ts';

/** The native sidecar of Kubernetes, without which nothing is injected. */
const KUBERNETES = '>=1.29.0-0';
const HEAD = 'Made by `make packages`; what is changed here by hand is found by a test.';

const VALUES_HEAD =
  'Values of the chart, of the same names and meaning as those of `weft install --set`. null: what is not set is left out, or somebody else decides.';
const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

interface Chart {
  name: string;
  description: string;
  settings: readonly SettingName[];
  files: readonly TemplateFile[];
  /** Of `helm test`. */
  test: readonly Template[];
}

/** Files of the charts, by their paths in the tree. */
export function chartFiles({ definitions, controlPlane }: Templates, version: string): Map<string, string> {
  const charts: Chart[] = [
    {
      name: 'weft-crds',
      description:
        'Custom resource definitions of Weft, a service mesh. A chart of their own, so that Helm upgrades them.',
      settings: SETTING_NAMES.filter(isOfDefinitions),
      files: definitions,
      test: [],
    },
    {
      name: 'weft',
      description: 'Control plane of Weft, a service mesh. Needs the definitions of the chart weft-crds.',
      settings: SETTING_NAMES.filter((name) => !isOfDefinitions(name)),
      files: controlPlane,
      test: chartTest(everyObject(SOURCES)),
    },
  ];
  return new Map(charts.flatMap((chart) => filesOf(chart, version)));
}

function isOfDefinitions(name: SettingName): boolean {
  return name.startsWith('crds.');
}

function filesOf({ name, description, settings, files, test }: Chart, version: string): [string, string][] {
  const tests = test.length === 0 ? [] : [['templates/tests/check.yaml', `# ${HEAD}\n${documents(test)}`]];
  const chart = { apiVersion: 'v2', name, description, type: 'application', version, appVersion: version };
  return [
    ['Chart.yaml', `# ${HEAD}\n${stringify({ ...chart, kubeVersion: KUBERNETES }, { lineWidth: 0 })}`],
    ['values.yaml', `# ${HEAD}\n${valuesText(settings, VALUES_HEAD)}`],
    ['values.schema.json', schemaText(settings, `Values of the chart ${name}`)],
    ...(settings.some((setting) => !isOfDefinitions(setting))
      ? [['templates/_record.tpl', `{{- /* ${HEAD} */}}\n${recordTemplate(settings)}`]]
      : []),
    ...tests,
    ...files.map((file): [string, string] => [`templates/${file.name}.yaml`, `# ${HEAD}\n${documents(file.objects)}`]),
  ].map(([path, text]) => [`charts/${name}/${path}`, text!]);
}
