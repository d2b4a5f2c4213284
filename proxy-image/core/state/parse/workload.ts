import type { Fields, Reader } from '../../../contract/read/reader.ts';
import type { RangePolicy, WorkloadSettings } from '../../../contract/resources.ts';
import type { LoadRuleParts } from './load-rule-parts.ts';
import { type ParsedPolicy, parsePolicy } from './policy.ts';

export interface ParsedRange extends Omit<RangePolicy, 'policy'> {
  policy: ParsedPolicy;
}

export interface ParsedWorkload {
  ports: Map<number, ParsedPolicy>;
  ranges: ParsedRange[];
  defaultPolicy: ParsedPolicy;
  opaquePorts: [number, number][];
  settings: WorkloadSettings;
}

export function parseWorkload(reader: Reader, fields: Fields, loadParts: LoadRuleParts): ParsedWorkload {
  const readPolicy = (value: unknown, path: string) => parsePolicy(reader, value, path, loadParts);
  const ports = reader.record(fields['ports'], 'ports', readPolicy);
  return {
    ports: new Map(ports.map(([port, policy]) => [portNumber(reader, port), policy])),
    ranges: parseRanges(reader, fields['ranges'], readPolicy),
    defaultPolicy: readPolicy(fields['defaultPolicy'], 'defaultPolicy'),
    opaquePorts: reader.list(fields['opaquePorts'], 'opaquePorts', (range, at) => parseRange(reader, range, at)),
    settings: parseSettings(reader, fields['settings']),
  };
}

function portNumber(reader: Reader, text: string): number {
  const port = /^[1-9][0-9]{0,4}$/.test(text) ? Number(text) : 0;
  return reader.port(port, `ports.${text.slice(0, 20)}`);
}

/** An older operator sends none: then the default policy holds for every port that is not named. */
function parseRanges(
  reader: Reader,
  value: unknown,
  readPolicy: (value: unknown, path: string) => ParsedPolicy,
): ParsedRange[] {
  if (value === undefined) return [];
  return reader.list(value, 'ranges', (entry, at) => {
    const fields = reader.object(entry, at);
    const [first, last] = parseRange(reader, [fields['first'], fields['last']], at);
    return { first, last, policy: readPolicy(fields['policy'], `${at}.policy`) };
  });
}

function parseRange(reader: Reader, value: unknown, path: string): [number, number] {
  const [first, last] = reader.list(value, path, (port, at) => reader.port(port, at));
  if (first === undefined || last === undefined || first > last) reader.fail(path, 'two ports in order');
  return [first ?? 1, last ?? 1];
}

function parseSettings(reader: Reader, value: unknown): WorkloadSettings {
  const fields = reader.object(value, 'settings');
  const redacts = fields['tapRedacts'];
  return {
    detectTimeoutMs: reader.integer(fields['detectTimeoutMs'], 'settings.detectTimeoutMs', 1, 3_600_000),
    requireIdentity: reader.flag(fields['requireIdentity'], 'settings.requireIdentity'),
    tapRedacts:
      redacts == null ? null : reader.list(redacts, 'settings.tapRedacts', (name, at) => reader.text(name, at)),
  };
}
