/** The checks: every query returns data, every alert that was provoked fires, and is cleared afterwards. */
import { until } from '../demo/shell.ts';
import { type Check, check } from '../demo/step.ts';
import { readAlerts } from './files.ts';
import { FOREIGN_QUERIES } from './foreign.ts';
import type { Prometheus } from './prometheus.ts';
import { type NamedQuery, panelQueries, ruleQueries, type Selections, variableQueries } from './queries.ts';
import { type Shorter, shortenQuery } from './shortened.ts';

const EVERY_MS = 1_000;

/**
 * The vectors that an alert's expression is made of, without comparisons: a condition that does not hold returns nothing, what it compares must be there all the
 * same. Names of recording rules have a colon.
 */
export function selectorsOf(expr: string): string[] {
  const found = expr.match(/[a-zA-Z_][\w:]*\{[^}]*\}|\b\w+(?::\w+)+(?:\{[^}]*\})?/g) ?? [];
  return [...new Set(found)];
}

/** Queries of rules, of what alerts look at, of panels, and of others. */
export function allQueries(chosen: Selections, rateInterval: string, shorter: Shorter | null): NamedQuery[] {
  const asRun = (expr: string): string => (shorter === null ? expr : shortenQuery(expr, shorter));
  const rules = ruleQueries('record').map(({ where, exprs }) => ({ where, exprs: exprs.map(asRun) }));
  const alerts = ruleQueries('alert').flatMap(({ where, exprs: [expr = ''] }) =>
    selectorsOf(expr).map((selector) => ({ where: `${where}: ${selector}`, exprs: [selector] })),
  );
  return [...rules, ...alerts, ...panelQueries(chosen, rateInterval), ...FOREIGN_QUERIES];
}

/** Returns the queries that have not returned a number within the time. NaN is none: it is what a share or quantile of nothing is. */
export async function withoutData(
  prometheus: Prometheus,
  queries: readonly NamedQuery[],
  limitMs: number,
): Promise<NamedQuery[]> {
  let missing = [...queries];
  const deadlineMs = performance.now() + limitMs;
  for (;;) {
    const answers = await Promise.all(
      missing.map(({ exprs }) => Promise.all(exprs.map((expr) => prometheus.query(expr)))),
    );
    missing = missing.filter((_, index) => !answers[index]!.flat().some(({ value }) => !Number.isNaN(value)));
    if (missing.length === 0 || performance.now() > deadlineMs) return missing;
    await new Promise((done) => setTimeout(done, EVERY_MS));
  }
}

export async function queriesReturnData(
  prometheus: Prometheus,
  queries: readonly NamedQuery[],
  chosen: Selections,
  limitMs: number,
): Promise<Check[]> {
  const missing = await withoutData(prometheus, queries, limitMs);
  const listed = missing.map(({ where, exprs }) => `\n         ${where}: ${exprs.join(' or ')}`).join('');
  const variables = variableQueries(chosen);
  const values = await Promise.all(variables.map(({ label, series }) => prometheus.labelValues(label, series)));
  const wrong = variables.filter(({ chosen: value }, index) => !values[index]!.includes(value));
  const broken = await prometheus.brokenRules();
  return [
    check(
      `queries of rules, alerts and panels that return data`,
      `all ${queries.length}`,
      `${queries.length - missing.length}${listed}`,
      missing.length === 0,
    ),
    check(
      'variables of dashboards that offer what there is',
      `all ${variables.length}`,
      `${variables.length - wrong.length} ${wrong.map(({ where }) => where).join('; ')}`.trim(),
      wrong.length === 0,
    ),
    check('rules whose evaluation fails', 'none', broken.join('; ') || 'none', broken.length === 0),
  ];
}

async function firing(prometheus: Prometheus): Promise<Set<string>> {
  const alerts = (await prometheus.alerts()).filter(({ state }) => state === 'firing');
  return new Set(alerts.map(({ labels }) => labels['alertname'] ?? ''));
}

/** Waits until all of `names` fire at least once. Returns how many seconds each took; null where it did not. */
export async function fired(
  prometheus: Prometheus,
  names: readonly string[],
  limitMs: number,
): Promise<Map<string, number | null>> {
  const startedMs = performance.now();
  const seen = new Map<string, number | null>(names.map((name) => [name, null]));
  await until(
    'alerts fire',
    limitMs,
    async () => {
      const now = await firing(prometheus);
      for (const name of names) {
        if (now.has(name) && seen.get(name) === null) seen.set(name, (performance.now() - startedMs) / 1000);
      }
      return names.every((name) => seen.get(name) !== null) ? true : null;
    },
    EVERY_MS,
  ).catch(() => {});
  return seen;
}

/** The same of alerts that no longer fire. `meanwhile` is done again and again; `startedMs`: when mending began. */
export async function cleared(
  prometheus: Prometheus,
  names: readonly string[],
  limitMs: number,
  meanwhile: () => Promise<void> = async () => {},
  startedMs = performance.now(),
): Promise<Map<string, number | null>> {
  const seen = new Map<string, number | null>(names.map((name) => [name, null]));
  await until(
    'alerts are cleared',
    limitMs,
    async () => {
      await meanwhile().catch(() => {});
      const now = await firing(prometheus);
      for (const name of names) {
        if (now.has(name)) seen.set(name, null);
        else if (seen.get(name) === null) seen.set(name, (performance.now() - startedMs) / 1000);
      }
      return names.every((name) => seen.get(name) !== null) ? true : null;
    },
    EVERY_MS,
  ).catch(() => {});
  return seen;
}

export function timed(what: 'fires' | 'is cleared', seen: ReadonlyMap<string, number | null>): Check[] {
  return [...seen].map(([name, seconds]) =>
    check(`${name} ${what}`, 'yes', seconds === null ? 'no' : `after ${seconds.toFixed(0)} s`, seconds !== null),
  );
}

/** Texts of alerts that their templates could not be made into. */
export async function legible(prometheus: Prometheus): Promise<Check> {
  const texts = (await prometheus.alerts()).flatMap(({ annotations }) => Object.values(annotations));
  const wrong = texts.filter((text) => /error expanding template|<no value>|\{\{|%!/.test(text));
  return check('texts of alerts that cannot be read', 'none', wrong.join('; ') || 'none', wrong.length === 0);
}

/** Alerts that fire although nobody has provoked them. */
export async function uncalledFor(prometheus: Prometheus, expected: readonly string[]): Promise<string[]> {
  const known = readAlerts().map(({ alert }) => alert);
  return [...(await firing(prometheus))].filter((name) => known.includes(name) && !expected.includes(name));
}
