import { INBOUND_PROTOCOLS } from '../../../contract/policy/protocol.ts';
import type { Reader } from '../../../contract/read/reader.ts';
import type { PortPolicy, Route } from '../../../contract/resources.ts';
import type { RuleSource } from '../../policy/rules.ts';
import { parseAuthorizations, parseLabel } from './authorization.ts';
import type { LoadRuleParts } from './load-rule-parts.ts';
import { parseRoutes } from './route.ts';

export interface ParsedPolicy extends Omit<PortPolicy, 'rules'> {
  rules: RuleSource[];
}

export function parsePolicy(reader: Reader, value: unknown, path: string, loadParts: LoadRuleParts): ParsedPolicy {
  const fields = reader.object(value, path);
  return {
    server: parseLabel(reader, fields['server'], `${path}.server`),
    protocol: reader.oneOf(fields['protocol'], `${path}.protocol`, INBOUND_PROTOCOLS, 'opaque'),
    authorizations: parseAuthorizations(reader, fields['authorizations'], `${path}.authorizations`),
    audit: reader.flagOf(fields, path, 'audit'),
    // Operators of before send neither.
    rules: isEmpty(fields['rules']) ? [] : loadParts().readRules(reader, fields['rules'], `${path}.rules`),
    rateLimit: isNone(fields['rateLimit'])
      ? null
      : loadParts().readRateLimit(reader, fields['rateLimit'], `${path}.rateLimit`),
    probePaths: reader.list(fields['probePaths'], `${path}.probePaths`, (probe, at) => reader.text(probe, at)),
    grpcProbe: fields['grpcProbe'] === undefined ? false : reader.flagOf(fields, path, 'grpcProbe'),
    profile: fields['profile'] === null ? null : parseProfile(reader, fields['profile'], `${path}.profile`),
  };
}

function isNone(value: unknown): boolean {
  return value === undefined || value === null;
}

function isEmpty(rules: unknown): boolean {
  return rules === undefined || (Array.isArray(rules) && rules.length === 0);
}

function parseProfile(reader: Reader, value: unknown, path: string): { dst: string; routes: Route[] } {
  const fields = reader.object(value, path);
  return {
    dst: reader.textOf(fields, path, 'dst'),
    routes: parseRoutes(reader, fields['routes'], `${path}.routes`),
  };
}
