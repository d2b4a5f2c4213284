import { parsePeerIp } from '../../lib/ip.ts';
import type { Variable } from '../contract/environment.ts';
import { LAST_PORT, type PortRange } from '../contract/port-ranges.ts';
import { parseCidr } from '../core/net/cidr.ts';
import { parseListenAddress } from '../io/transport/address.ts';
import type { Address } from '../io/transport/types.ts';

/** A field's parser: the value, or `null` with what was expected (one phrase) for the report. */
export interface Field<T> {
  expected: string;
  parse(text: string): T | null;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads variables one by one and keeps every problem, so that a wrong environment is reported whole and not one variable per restart. */
export class EnvironmentReader {
  readonly problems: string[] = [];
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** The value of `variable`; `whenWrong` after a problem, so that reading goes on (the caller throws in the end). */
  read<T>(variable: Variable, field: Field<T>, whenWrong: T): T {
    const text = this.#environment[variable.name]?.trim() || variable.fallback;
    if (text === undefined) {
      this.problems.push(`${variable.name} is missing (${variable.doc})`);
      return whenWrong;
    }
    const value = field.parse(text);
    if (value !== null) return value;
    this.problems.push(`${variable.name}=${JSON.stringify(text.slice(0, 80))}: expected ${field.expected}`);
    return whenWrong;
  }
}

export const text: Field<string> = { expected: 'text', parse: (value) => value };

export function oneOf<T extends string>(...allowed: readonly T[]): Field<T> {
  return {
    expected: `one of ${allowed.map((value) => (value === '' ? 'empty' : value)).join(', ')}`,
    parse: (value) => allowed.find((candidate) => candidate === value) ?? null,
  };
}

export function integer(min: number, max: number): Field<number> {
  return {
    expected: `a whole number from ${min} to ${max}`,
    parse: (value) => {
      const parsed = /^[0-9]{1,15}$/.test(value) ? Number(value) : Number.NaN;
      return parsed >= min && parsed <= max ? parsed : null;
    },
  };
}

/** Comma-separated; blanks around entries and empty entries are ignored, as in Linkerd's annotations. */
export function list<T>(entry: Field<T>): Field<T[]> {
  return {
    expected: `a comma-separated list, each entry ${entry.expected}`,
    parse: (value) => {
      const parsed = splitList(value).map((item) => entry.parse(item));
      return parsed.every((item) => item !== null) ? parsed : null;
    },
  };
}

function splitList(value: string): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

export const listenAddress: Field<Address> = {
  expected: 'address:port, an IPv6 address in brackets',
  parse: (value) => {
    const address = parseListenAddress(value);
    return address === null || !isIp(address.ip) ? null : address;
  },
};

export const portRange: Field<PortRange> = {
  expected: 'a port or a range such as 4000-4010',
  parse: (value) => {
    const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(value);
    if (match === null) return null;
    const first = Number(match[1]);
    const last = match[2] === undefined ? first : Number(match[2]);
    return first >= 1 && first <= last && last <= LAST_PORT ? [first, last] : null;
  },
};

export const ipAddress: Field<string> = { expected: 'an IP address', parse: (value) => (isIp(value) ? value : null) };

export const cidr: Field<string> = {
  expected: 'an IP address or a network such as 10.0.0.0/8',
  parse: (value) => (value.includes('%') || parseCidr(value) === null ? null : value),
};

/** An identity is a DNS name (RFC 1123 labels): it becomes the SNI and the one SAN of a certificate. */
export const identity: Field<string> = {
  expected: 'a DNS name',
  parse: (value) =>
    value.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(value)
      ? value
      : null,
};

/** A name may have the final dot of an absolute one, which is not kept: every look-up is absolute (`io/control/resolve.ts`). */
export const host: Field<string> = {
  expected: 'a host name or an IP address',
  parse: (value) => (isIp(value) ? value : identity.parse(value.toLowerCase().replace(/\.$/, ''))),
};

export const pem: Field<string> = {
  expected: 'PEM certificates',
  parse: (value) =>
    /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/.test(value) ? value : null,
};

function isIp(value: string): boolean {
  return !value.includes('%') && parsePeerIp(value) !== null;
}
