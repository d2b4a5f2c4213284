/**
 * Writes the files of samples/observability that are made of others: the dashboards, and the objects for a Prometheus operator.
 *
 *   node hack/observability/generate.ts
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { DASHBOARDS } from './dashboards/all.ts';
import { renderDashboard } from './dashboards/render.ts';
import { FOLDER } from './files.ts';
import { podMonitors, prometheusRules } from './prometheus-operator.ts';

const NOTE = '# Made by hack/observability/generate.ts of the files beside this folder. Change those.\n';

function documents(objects: readonly object[]): string {
  return (
    NOTE + objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n')
  );
}

/** Contents by path in samples/observability. */
export function generatedFiles(): Map<string, string> {
  const dashboards = DASHBOARDS.map((dashboard): [string, string] => [
    `grafana/${dashboard.name}.json`,
    `${JSON.stringify(renderDashboard(dashboard), null, 2)}\n`,
  ]);
  return new Map([
    ...dashboards,
    ['prometheus-operator/podmonitors.yaml', documents(podMonitors())],
    ['prometheus-operator/rules.yaml', documents(prometheusRules())],
  ]);
}

if (import.meta.main) {
  for (const [path, content] of generatedFiles()) {
    mkdirSync(dirname(join(FOLDER, path)), { recursive: true });
    writeFileSync(join(FOLDER, path), content);
  }
}
