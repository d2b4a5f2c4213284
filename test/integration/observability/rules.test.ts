import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { stringify } from 'yaml';
import { FOLDER, readAlerts, readRules } from '../../../hack/observability/files.ts';
import { configurationOf, programs } from '../../../hack/observability/prometheus.ts';
import { ALERT_CASES, type AlertCase, HEALTHY_OPERATOR } from './alert-cases.ts';

const PROGRAMS_MS = 300_000;
const PROMTOOL_MS = 60_000;

async function promtool(...args: string[]): Promise<{ ok: boolean; output: string }> {
  const program = join(programs(), 'promtool');
  return promisify(execFile)(program, args, { timeout: PROMTOOL_MS }).then(
    ({ stdout, stderr }) => ({ ok: true, output: stdout + stderr }),
    (error: { stdout?: string; stderr?: string }) => ({ ok: false, output: `${error.stdout}${error.stderr}` }),
  );
}

const FIRING = 'count by (alertname) (ALERTS{alertstate="firing"})';

function firing(at: string, alerts: readonly string[]): object {
  const samples = alerts.map((alert) => ({ labels: `{alertname="${alert}"}`, value: 1 }));
  return { expr: FIRING, eval_time: at, exp_samples: samples };
}

/** A test of promtool: before, during and after the trouble, exactly the alerts that are named fire. */
function testOf({ alert, series, notYetAt, firesAt, clearedAt }: AlertCase): object {
  const alerts = alert.split(',');
  const healthy = alert === 'WeftOperatorDown' ? {} : { [HEALTHY_OPERATOR]: '1x1000' };
  return {
    name: alert,
    interval: '10s',
    input_series: Object.entries({ ...series, ...healthy }).map(([name, values]) => ({ series: name, values })),
    promql_expr_test: [
      ...(notYetAt === null ? [] : [firing(notYetAt, [])]),
      firing(firesAt, alerts),
      firing(clearedAt, []),
    ],
  };
}

describe('rules and scrape configuration, judged by promtool', () => {
  let directory: string;

  before(function () {
    // The first run on a machine fetches Debian's package.
    this.timeout(PROGRAMS_MS);
    programs();
    directory = mkdtempSync(join(tmpdir(), 'weft-rules-'));
  });

  after(() => rmSync(directory, { recursive: true, force: true }));

  for (const { name } of readRules()) {
    it(`rules/${name}.yml has nothing that promtool objects to`, async () => {
      const { ok, output } = await promtool(
        'check',
        'rules',
        '--lint=all',
        '--lint-fatal',
        join(FOLDER, 'rules', `${name}.yml`),
      );
      expect(ok, output).to.equal(true);
    });
  }

  it('prometheus.yml is a configuration, but for the discovery that Debian leaves out', async () => {
    const file = join(directory, 'prometheus.yml');
    const groups = readRules().flatMap((rules) => rules.groups);
    writeFileSync(join(directory, 'rules.yml'), stringify({ groups }));
    writeFileSync(join(directory, 'targets.json'), '[]');
    writeFileSync(file, stringify(configurationOf({ directory, groups }), { aliasDuplicateObjects: false }));
    const { ok, output } = await promtool('check', 'config', file);
    expect(ok, output).to.equal(true);
  });

  it('has a case for each alert', () => {
    const tried = ALERT_CASES.flatMap(({ alert }) => alert.split(','));
    expect([...new Set(tried)].toSorted()).to.deep.equal(
      readAlerts()
        .map(({ alert }) => alert!)
        .toSorted(),
    );
  });

  for (const one of ALERT_CASES) {
    it(`${one.alert.replace(',', ' and ')}${one.when ?? ''}: not at once, while it lasts, and no longer; and nothing else`, async () => {
      const file = join(directory, `${one.alert}.test.yml`);
      const files = readRules().map(({ name }) => join(FOLDER, 'rules', `${name}.yml`));
      writeFileSync(file, stringify({ rule_files: files, evaluation_interval: '30s', tests: [testOf(one)] }));
      const { ok, output } = await promtool('test', 'rules', file);
      expect(ok, output).to.equal(true);
    });
  }
});
