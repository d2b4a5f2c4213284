import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse, parseAllDocuments } from 'yaml';
import { FOLDER, type RelabelRule, readAlerts, readScrapeConfiguration } from '../../../hack/observability/files.ts';
import { generatedFiles } from '../../../hack/observability/generate.ts';

const ROOT = join(FOLDER, '..', '..');

interface Monitor {
  metadata: { name: string };
  spec: { podMetricsEndpoints: { honorLabels: boolean; relabelings: Record<string, unknown>[] }[] };
}

/** From the spelling of the operator's API to Prometheus's own. */
function plain({ sourceLabels, targetLabel, ...rest }: Record<string, unknown>): RelabelRule {
  return {
    ...(sourceLabels === undefined ? {} : { source_labels: sourceLabels as string[] }),
    ...(targetLabel === undefined ? {} : { target_label: targetLabel as string }),
    ...rest,
  };
}

describe('samples/observability', () => {
  for (const [path, content] of generatedFiles()) {
    it(`${path} is what it is made of (node hack/observability/generate.ts)`, () => {
      expect(readFileSync(join(FOLDER, path), 'utf8')).to.equal(content);
    });
  }

  it('relabels for a Prometheus operator by the rules of prometheus.yml, after dropping what the operator adds', () => {
    const monitors = parseAllDocuments(readFileSync(join(FOLDER, 'prometheus-operator/podmonitors.yaml'), 'utf8'));
    const jobs = readScrapeConfiguration().scrape_configs;
    expect(monitors).to.have.length(jobs.length);
    for (const [index, document] of monitors.entries()) {
      const { metadata, spec } = document.toJS() as Monitor;
      const [endpoint] = spec.podMetricsEndpoints;
      const [added, ...rules] = endpoint!.relabelings.map(plain);
      expect(metadata.name).to.equal(jobs[index]!.job_name);
      expect(endpoint!.honorLabels).to.equal(jobs[index]!.honor_labels);
      expect(added).to.deep.equal({ action: 'labeldrop', regex: 'container|endpoint' });
      expect(rules).to.deep.equal(jobs[index]!.relabel_configs);
    }
  });

  it('finds pods, by the kind of discovery that a cluster offers', () => {
    for (const { kubernetes_sd_configs } of readScrapeConfiguration().scrape_configs) {
      expect(kubernetes_sd_configs.map(({ role }) => role)).to.deep.equal(['pod']);
    }
  });

  it('has a runbook for each alert, and no other', () => {
    const alerts = readAlerts().map(({ alert }) => `${alert}.md`);
    const pages = readdirSync(join(ROOT, 'docs/runbooks')).filter((page) => page !== 'README.md');
    expect(pages.toSorted()).to.deep.equal(alerts.toSorted());
  });

  it('says with each alert how bad it is, what it means, and where its runbook is', () => {
    for (const { alert, labels, annotations } of readAlerts()) {
      expect(labels?.['severity'], alert).to.be.oneOf(['critical', 'warning']);
      expect(annotations, alert).to.have.all.keys('summary', 'description', 'runbook_url');
      expect(existsSync(join(ROOT, annotations!['runbook_url']!)), annotations!['runbook_url']).to.equal(true);
    }
  });

  it('lists each alert in docs/observability.md: how bad it is, what it means, and after what time it fires', () => {
    const page = readFileSync(join(ROOT, 'docs/observability.md'), 'utf8');
    const rows = [...page.matchAll(/^\| \[(Weft\w+)\]\(runbooks\/(\w+)\.md\) \| (\w+) \| (.+) \| (.+) \|$/gm)];
    expect(rows.map(([, ...cells]) => cells)).to.deep.equal(
      readAlerts().map(({ alert, labels, annotations, for: after }) => {
        return [alert, alert, labels?.['severity'], annotations?.['summary'], after ?? 'at once'];
      }),
    );
  });

  it('names every file in the kustomizations that use it', () => {
    const named = (folder: string): string[] => {
      const kustomization = parse(readFileSync(join(FOLDER, folder, 'kustomization.yaml'), 'utf8')) as {
        resources?: string[];
        configMapGenerator?: { files: string[] }[];
      };
      return [
        ...(kustomization.resources ?? []),
        ...(kustomization.configMapGenerator ?? []).flatMap(({ files }) => files),
      ];
    };
    const there = (folder: string, ending: string): string[] =>
      readdirSync(join(FOLDER, folder)).filter((file) => file.endsWith(ending) && file !== 'kustomization.yaml');
    expect(named('grafana').toSorted()).to.deep.equal(there('grafana', '.json').toSorted());
    expect(named('prometheus-operator').toSorted()).to.deep.equal(there('prometheus-operator', '.yaml').toSorted());
    const rules = there('rules', '.yml').map((file) => `rules/${file}`);
    expect(named('.').toSorted()).to.deep.equal(['deploy/prometheus.yaml', 'prometheus.yml', ...rules].toSorted());
  });
});
