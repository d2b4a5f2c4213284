import { hostname } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { OPERATOR_ROLES, type OperatorRole } from '../crds/types/operator-role.ts';
import { CONTROL_PLANE_NAMESPACE } from '../proxy-image/contract/names.ts';
import { OPERATOR_PORTS } from '../proxy-image/contract/ports.ts';
import { LOG_LEVELS, type LogLevel } from './telemetry/log.ts';

const ROLES = OPERATOR_ROLES;
export type Role = OperatorRole;

export interface OperatorConfig {
  roles: ReadonlySet<Role>;
  namespace: string;
  /** Holder of the lease; must differ between running replicas. */
  podName: string;
  host: string;
  webhookPort: number;
  configPort: number;
  identityPort: number;
  vizPort: number;
  adminPort: number;
  logLevel: LogLevel;
  /** Image of injected proxies where the Mesh names none. */
  proxyImage: string;
  /** Written into injected pods. */
  version: string;
  /** Empty: the API server calls webhooks through the Service; else their base URL, for an operator outside the cluster. */
  webhookUrl: string;
  /** Folder of CustomResourceDefinitions to apply at start; empty: they are there. */
  definitionsDir: string;
  /** Sign only tokens that are bound to a pod. */
  requireBoundTokens: boolean;
  watchIdleTimeoutMs: number;
  auditIntervalMs: number;
  staleAfterMs: number;
  leaseMs: number;
  renewDeadlineMs: number;
  retryMs: number;
  lameDuckMs: number;
  shutdownGraceMs: number;
}

interface Setting<V> {
  /** The environment variable is `WEFT_OPERATOR_` and the flag in capitals, unless named here. */
  env?: string;
  doc: string;
  fallback: V;
  parse(text: string): V;
}

const text = (doc: string, fallback: string, env?: string): Setting<string> => ({ doc, fallback, env, parse: String });

const port = (doc: string, fallback: number): Setting<number> => ({ doc, fallback, parse: parsePort });

const duration = (doc: string, fallback: number): Setting<number> => ({ doc, fallback, parse: parseMilliseconds });

/** Every setting, as flag `--kebab-case` and environment variable. */
const SETTINGS: { [K in keyof OperatorConfig]: Setting<OperatorConfig[K]> } = {
  roles: { doc: `comma-separated, of ${ROLES.join(', ')}`, fallback: new Set(ROLES), parse: parseRoles },
  namespace: text('own namespace: lease, Secrets and webhook Service', CONTROL_PLANE_NAMESPACE, 'POD_NAMESPACE'),
  podName: text('own name, unique among replicas', hostname(), 'POD_NAME'),
  host: text('address to listen on; empty = all, of both families where the node has them', ''),
  webhookPort: port('admission webhooks (TLS); 0 = any free one', OPERATOR_PORTS.webhooks),
  configPort: port('configuration stream', OPERATOR_PORTS.config),
  identityPort: port('certificate signing', OPERATOR_PORTS.identity),
  vizPort: port('aggregated API of live numbers (TLS)', OPERATOR_PORTS.viz),
  adminPort: port('/live /ready /metrics', OPERATOR_PORTS.admin),
  logLevel: { doc: LOG_LEVELS.join(', '), fallback: 'info', parse: parseLogLevel },
  proxyImage: text('image of injected proxies where the Mesh names none', 'localhost/weft/proxy:latest'),
  version: text('version of this build', '0.1.0'),
  webhookUrl: text('base URL of the webhooks for an operator outside the cluster; empty = through the Service', ''),
  definitionsDir: text(
    'folder of CustomResourceDefinitions to apply at start, with what is below it; empty = they are installed',
    '',
  ),
  requireBoundTokens: { doc: 'sign only tokens bound to a pod (true, false)', fallback: true, parse: parseBoolean },
  // API servers send bookmarks about once a minute: two missed ones mean that nobody is there.
  watchIdleTimeoutMs: duration('reopen a watch that was silent for so long, ms', 120_000),
  auditIntervalMs: duration('hold a full list against each cache so often, ms', 600_000),
  // Five missed bookmarks; longer than a rolling update of a control plane takes.
  staleAfterMs: duration('not ready when the API server was silent for so long, ms', 300_000),
  leaseMs: duration('leader election: lease, ms', 15_000),
  renewDeadlineMs: duration('leader election: the leader gives up after so long without renewal, ms', 10_000),
  retryMs: duration('leader election: pause between attempts, ms', 2_000),
  // Until every node has heard that the endpoint is gone; as long as the preStop pauses that are usual for it.
  lameDuckMs: duration('go on serving for so long after being told to stop, not ready any more, ms', 5_000),
  shutdownGraceMs: duration('longest shutdown, ms; terminationGracePeriodSeconds must be longer', 30_000),
};

type Names = keyof OperatorConfig;

/**
 * Reads flags, then the environment, then defaults.
 * @param argv without the names of runtime and script
 * @throws CommanderError on a wrong flag or value, and after printing `--help`
 */
export function readConfig(argv: readonly string[], env: NodeJS.ProcessEnv): OperatorConfig {
  const command = new Command('weft-operator').description('Control plane of the Weft mesh.').exitOverride();
  for (const name of Object.keys(SETTINGS) as Names[]) command.addOption(optionOf(name));
  command.parse(argv, { from: 'user' });
  const given = command.opts<Partial<OperatorConfig>>();
  return Object.fromEntries(
    (Object.keys(SETTINGS) as Names[]).map((name) => [name, given[name] ?? fromEnvironment(name, env)]),
  ) as unknown as OperatorConfig;
}

/** Flag and environment variable of every setting; docs/operator.md lists the same. */
export function settingNames(): { flag: string; environment: string }[] {
  return (Object.keys(SETTINGS) as Names[]).map((name) => ({
    flag: flagName(name),
    environment: environmentName(name),
  }));
}

function flagName(name: Names): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function optionOf(name: Names): Option {
  const { doc, parse } = SETTINGS[name];
  return new Option(`${flagName(name)} <value>`, `${doc} (environment: ${environmentName(name)})`).argParser(
    (value: string) => parse(value),
  );
}

function fromEnvironment(name: Names, env: NodeJS.ProcessEnv): OperatorConfig[Names] {
  const { parse, fallback } = SETTINGS[name];
  const value = env[environmentName(name)];
  if (value === undefined || value === '') return fallback;
  try {
    return parse(value);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InvalidArgumentError(`${environmentName(name)}: ${reason}`);
  }
}

function environmentName(name: Names): string {
  const words = name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  return SETTINGS[name].env ?? `WEFT_OPERATOR_${words}`;
}

function parseRoles(value: string): ReadonlySet<Role> {
  const roles = value.split(',').map((part) => ROLES.find((role) => role === part.trim()));
  const known = roles.filter((role) => role !== undefined);
  if (known.length !== roles.length) throw new InvalidArgumentError(`expected some of ${ROLES.join(', ')}`);
  return new Set(known);
}

function parsePort(value: string): number {
  const number = Number(value);
  if (/^[0-9]{1,5}$/.test(value) && number <= 65_535) return number;
  throw new InvalidArgumentError('expected a port, 0 to 65535');
}

function parseMilliseconds(value: string): number {
  if (/^[1-9][0-9]{0,9}$/.test(value)) return Number(value);
  throw new InvalidArgumentError('expected a whole number of milliseconds, at least 1');
}

function parseLogLevel(value: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === value);
  if (level !== undefined) return level;
  throw new InvalidArgumentError(`expected one of ${LOG_LEVELS.join(', ')}`);
}

function parseBoolean(value: string): boolean {
  if (value === 'true' || value === 'false') return value === 'true';
  throw new InvalidArgumentError('expected true or false');
}
