/** The files of samples/observability that people write, as data. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export const FOLDER = join(import.meta.dirname, '..', '..', 'samples', 'observability');
const RULES_FOLDER = join(FOLDER, 'rules');

/** Of Prometheus's `relabel_config`; what is absent has Prometheus's default. */
export interface RelabelRule {
  source_labels?: string[];
  separator?: string;
  regex?: string;
  modulus?: number;
  target_label?: string;
  replacement?: string;
  action?: string;
}

export interface ScrapeJob {
  job_name: string;
  honor_labels?: boolean;
  kubernetes_sd_configs: { role: string; namespaces?: { names: string[] } }[];
  relabel_configs: RelabelRule[];
}

export interface ScrapeConfiguration {
  global: Record<string, string>;
  rule_files: string[];
  scrape_configs: ScrapeJob[];
}

export interface Rule {
  record?: string;
  alert?: string;
  expr: string;
  for?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

export interface RuleGroup {
  name: string;
  rules: Rule[];
}

export function readScrapeConfiguration(): ScrapeConfiguration {
  return parse(readFileSync(join(FOLDER, 'prometheus.yml'), 'utf8')) as ScrapeConfiguration;
}

/** `alerts`, `recording`: the files of rules by name. */
export function readRules(): { name: string; groups: RuleGroup[] }[] {
  const files = readdirSync(RULES_FOLDER).filter((file) => file.endsWith('.yml'));
  return files.toSorted().map((file) => ({
    name: file.slice(0, -'.yml'.length),
    groups: (parse(readFileSync(join(RULES_FOLDER, file), 'utf8')) as { groups: RuleGroup[] }).groups,
  }));
}

export function readAlerts(): Rule[] {
  const groups = readRules().flatMap((file) => file.groups);
  return groups.flatMap(({ rules }) => rules.filter(({ alert }) => alert !== undefined));
}
