/** Every query that samples/observability has. */
import { DASHBOARDS } from './dashboards/all.ts';
import type { Dashboard } from './dashboards/model.ts';
import { readRules } from './files.ts';

export interface NamedQuery {
  /** Where it stands: `alert WeftProxyDown`, `dashboard Pod: Memory (A)`. */
  where: string;
  /** One, or of a panel one for each selection; one of them has to return data. */
  exprs: readonly string[];
}

export function ruleQueries(kind: 'record' | 'alert'): NamedQuery[] {
  const rules = readRules().flatMap(({ groups }) => groups.flatMap((group) => group.rules));
  return rules.flatMap((rule) =>
    rule[kind] === undefined ? [] : [{ where: `${kind} ${rule[kind]}`, exprs: [rule.expr] }],
  );
}

/** Values of a dashboard's variables, by their names. */
type Selection = Readonly<Record<string, string>>;

/** What is looked at on each dashboard, by its name: a Server of HTTP has nothing to show of raw connections, so there may be several. */
export type Selections = Readonly<Record<string, readonly Selection[]>>;

function selectionsOf(dashboard: Dashboard, selections: Selections): readonly Selection[] {
  return selections[dashboard.name] ?? [{}];
}

/** Queries of all panels, with variables replaced. `rateInterval`: what Grafana makes of `$__rate_interval`. */
export function panelQueries(selections: Selections, rateInterval: string): NamedQuery[] {
  return DASHBOARDS.flatMap((dashboard) =>
    dashboard.rows.flatMap(({ title: row, panels }) =>
      panels.flatMap(({ title, queries }) =>
        queries.map(({ expr }, index) => ({
          where: `dashboard ${dashboard.title}, ${row}: ${title} (${String.fromCharCode(65 + index)})`,
          exprs: selectionsOf(dashboard, selections).map((selection) =>
            filled(expr, dashboard, selection, rateInterval),
          ),
        })),
      ),
    ),
  );
}

export interface VariableQuery {
  where: string;
  label: string;
  series: string;
  /** What was chosen: has to be among the values. */
  chosen: string;
}

export function variableQueries(selections: Selections): VariableQuery[] {
  return DASHBOARDS.flatMap((dashboard) =>
    dashboard.variables.flatMap(({ name, of, series }) =>
      selectionsOf(dashboard, selections).map((selection) => ({
        where: `dashboard ${dashboard.title}, variable ${name}`,
        label: of,
        series: filled(series, dashboard, selection, ''),
        chosen: selection[name] ?? '',
      })),
    ),
  );
}

function filled(expr: string, dashboard: Dashboard, selection: Selection, rateInterval: string): string {
  return expr.replaceAll(/\$(\w+)/g, (_, name: string) => {
    if (name === '__rate_interval') return rateInterval;
    const value = selection[name];
    if (value === undefined) throw new Error(`dashboard ${dashboard.title}: nothing is chosen for $${name}`);
    return value;
  });
}
