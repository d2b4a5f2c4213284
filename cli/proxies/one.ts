import type { ConfigurationItem, ProxyDetail, Versioned } from '../../crds/viz/proxy-list.ts';
import { unifiedDifference } from '../output/difference.ts';
import { harmless } from '../output/harmless.ts';
import { yamlOf } from '../output/yaml.ts';

/** What one proxy has beside what it should have: a line for each resource, and under those that differ how. */
export function textOfProxy(proxy: ProxyDetail): string {
  const { metadata, replica, version, configuration, unasked } = proxy;
  const head = [
    `Proxy:         ${metadata.namespace}/${metadata.name}`,
    `Identity:      ${proxy.identity}`,
    `Version:       ${version} (contract ${proxy.revision})`,
    `Connected to:  ${replica}, for ${duration(proxy.connectedSeconds)}`,
    `Last answer:   ${proxy.acknowledgedSeconds === null ? 'none yet' : `${duration(proxy.acknowledgedSeconds)} ago`}`,
    ...(unasked === null
      ? []
      : [`It could not be asked what it has, and is believed to have what it acknowledged: ${unasked}`]),
  ];
  const reasons = new Map(proxy.behind.map((resource) => [resource.key, resource]));
  const body = configuration.map((item) => {
    const { key } = item;
    const reason = reasons.get(key);
    const because = reason === undefined ? '' : ` (${reason.state} for ${duration(reason.seconds)})`;
    const problems = (reason?.problems ?? []).map((problem) => `    refused: ${problem}\n`).join('');
    return `${markOf(item)} ${key}${because}\n${problems}${differenceOf(item)}`;
  });
  return harmless(`${head.join('\n')}\n\n${body.join('')}`);
}

/** Whether a resource is the same on both sides. */
export function isSame({ held, wanted }: ConfigurationItem): boolean {
  return held?.version === wanted?.version;
}

function markOf(item: ConfigurationItem): string {
  return isSame(item) ? '√' : '×';
}

/** With `-` what the proxy has, with `+` what it should have instead. */
function differenceOf(item: ConfigurationItem): string {
  const { held, wanted } = item;
  if (isSame(item)) return '';
  const names = `    --- ${nameOf('the proxy has', held)}\n    +++ ${nameOf('it should have', wanted)}\n`;
  if (!isKnown(held) || !isKnown(wanted)) return names;
  const lines = unifiedDifference(yaml(held), yaml(wanted)).split('\n').slice(0, -1);
  return names + lines.map((line) => `    ${line}\n`).join('');
}

function isKnown(side: Versioned | null): boolean {
  return side === null || side.body !== null;
}

function yaml(side: Versioned | null): string {
  return side === null ? '' : yamlOf(side.body);
}

function nameOf(text: string, side: Versioned | null): string {
  return side === null ? `${text}: nothing` : `${text}: version ${side.version || 'unknown'}`;
}

/** `5s`, `12m`, `3h`, `2d`: rounded down, as kubectl has ages. */
export function duration(seconds: number): string {
  if (seconds < 120) return `${Math.floor(seconds)}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
