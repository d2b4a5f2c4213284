import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePort } from '../apiserver/process.ts';
import { until } from '../demo/shell.ts';
import { LocalProcess } from '../local/process.ts';
import type { TargetGroup } from './discovery.ts';
import { type RelabelRule, type RuleGroup, readScrapeConfiguration, type ScrapeJob } from './files.ts';

const READY_MS = 30_000;
const STOP_MS = 10_000;

/** Folder of `prometheus` and `promtool`. @throws when they are absent and cannot be fetched */
export function programs(): string {
  return execFileSync(join(import.meta.dirname, 'programs'), { encoding: 'utf8' }).trim();
}

export interface PrometheusOptions {
  /** Where it keeps configuration, data and log. */
  directory: string;
  /** Default: those of the sample. */
  scrapeInterval?: string;
  groups: readonly RuleGroup[];
  /** Default: those of the sample. */
  jobs?: readonly ScrapeJob[];
  /** What is done to an address before the rules of the job, where pods have other addresses than theirs. */
  addressing?: readonly RelabelRule[];
}

/** One series of an answer; the value is that of the instant. */
export interface Sample {
  labels: Record<string, string>;
  value: number;
}

export interface Alert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: 'pending' | 'firing';
}

interface Answer<T> {
  status: 'success' | 'error';
  data: T;
  error?: string;
}

/** A real Prometheus on loopback with the sample's scrape configuration, its discovery replaced by a file of targets. */
export class Prometheus {
  readonly #options: PrometheusOptions;
  readonly #port: number;
  readonly #process: LocalProcess;

  private constructor(options: PrometheusOptions, port: number, process: LocalProcess) {
    this.#options = options;
    this.#port = port;
    this.#process = process;
  }

  static async start(options: PrometheusOptions): Promise<Prometheus> {
    mkdirSync(options.directory, { recursive: true });
    const port = await freePort();
    const configuration = join(options.directory, 'prometheus.yml');
    writeFileSync(join(options.directory, 'rules.yml'), stringify({ groups: options.groups }, { lineWidth: 0 }));
    writeFileSync(configuration, stringify(configurationOf(options), { aliasDuplicateObjects: false }));
    writeTargets(options.directory, []);
    const process = new LocalProcess({
      command: join(programs(), 'prometheus'),
      args: [
        `--config.file=${configuration}`,
        `--storage.tsdb.path=${join(options.directory, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--web.enable-lifecycle',
      ],
      env: {},
      log: join(options.directory, 'prometheus.log'),
      cwd: options.directory,
    });
    const prometheus = new Prometheus(options, port, process);
    await until('Prometheus is ready', READY_MS, async () => {
      if (process.exitCode !== null) throw new Error(`prometheus ended: ${options.directory}/prometheus.log`);
      const answer = await fetch(`${prometheus.url}/-/ready`).catch(() => null);
      return answer?.status === 200 ? true : null;
    });
    return prometheus;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get pid(): number {
    return this.#process.pid;
  }

  stop(): Promise<void> {
    return this.#process.stop(STOP_MS);
  }

  /** What there is to scrape from now on, before relabelling. */
  discovered(groups: readonly TargetGroup[]): void {
    writeTargets(this.#options.directory, groups);
  }

  /** Instant query. @throws when Prometheus refuses it */
  async query(expr: string): Promise<Sample[]> {
    const { result } = await this.#get<{ result: { metric: Record<string, string>; value: [number, string] }[] }>(
      '/api/v1/query',
      { query: expr },
    );
    return result.map(({ metric, value: [, value] }) => ({ labels: metric, value: Number(value) }));
  }

  /** Values of a label among the series that `series` selects. */
  labelValues(label: string, series: string): Promise<string[]> {
    return this.#get(`/api/v1/label/${label}/values`, { 'match[]': series });
  }

  async alerts(): Promise<Alert[]> {
    return (await this.#get<{ alerts: Alert[] }>('/api/v1/alerts', {})).alerts;
  }

  /** Labels of every target after relabelling, and whether the last scrape succeeded. */
  async targets(): Promise<
    { labels: Record<string, string>; health: string; scrapePool: string; lastError: string }[]
  > {
    type Active = { labels: Record<string, string>; health: string; scrapePool: string; lastError: string };
    return (await this.#get<{ activeTargets: Active[] }>('/api/v1/targets', { state: 'active' })).activeTargets;
  }

  /** Rules whose last evaluation failed, with the error. */
  async brokenRules(): Promise<string[]> {
    type Group = { rules: { name: string; health: string; lastError?: string }[] };
    const { groups } = await this.#get<{ groups: Group[] }>('/api/v1/rules', {});
    const broken = groups.flatMap(({ rules }) => rules).filter(({ health }) => health === 'err');
    return broken.map(({ name, lastError }) => `${name}: ${lastError}`);
  }

  async #get<T>(path: string, parameters: Record<string, string>): Promise<T> {
    const answer = await fetch(`${this.url}${path}?${new URLSearchParams(parameters)}`);
    const body = (await answer.json()) as Answer<T>;
    if (body.status !== 'success') throw new Error(`${path} ${JSON.stringify(parameters)}: ${body.error}`);
    return body.data;
  }
}

/** The sample's own, with targets from a file, and the rules in one. */
export function configurationOf({ directory, scrapeInterval, jobs, addressing = [] }: PrometheusOptions): object {
  const stock = readScrapeConfiguration();
  const interval = scrapeInterval ?? stock.global['scrape_interval'];
  const sd = { files: [join(directory, 'targets.json')], refresh_interval: '1s' };
  return {
    global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
    rule_files: [join(directory, 'rules.yml')],
    scrape_configs: (jobs ?? stock.scrape_configs).map(
      ({ kubernetes_sd_configs: [found], relabel_configs, ...job }) => ({
        ...job,
        file_sd_configs: [sd],
        relabel_configs: [...inNamespaces(found?.namespaces?.names), ...addressing, ...relabel_configs],
      }),
    ),
  };
}

/** Discovery itself would not have found others. */
function inNamespaces(names: readonly string[] | undefined): RelabelRule[] {
  if (names === undefined) return [];
  return [{ source_labels: ['__meta_kubernetes_namespace'], action: 'keep', regex: names.join('|') }];
}

/** Replaced as a whole: Prometheus reads it whenever it changes. */
function writeTargets(directory: string, groups: readonly TargetGroup[]): void {
  const file = join(directory, 'targets.json');
  writeFileSync(`${file}.new`, JSON.stringify(groups));
  renameSync(`${file}.new`, file);
}
