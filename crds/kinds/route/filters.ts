import type { HeaderChanges, PathChange } from '../../../proxy-image/contract/policy/filter.ts';
import { mayBeChanged } from '../../../proxy-image/contract/policy/untouched-fields.ts';
import type { Fields } from '../../parse/fields.ts';
import { LIMITS } from '../../parse/limits.ts';
import { isDnsSubdomain } from '../../scalars/name.ts';
import { quote } from '../../scalars/scalar.ts';
import { isFieldName } from '../../scalars/token.ts';
import type { RouteFilter } from './model.ts';
import { parseTarget } from './refs.ts';
import type { RuleScope } from './scope.ts';

export interface FilterContext {
  scope: RuleScope;
  /** Of the route. */
  namespace: string;
  /** The path prefix that the rule's only match is for; `null`: it has another kind of match, or several. */
  prefix: string | null;
}

const REDIRECT_STATUSES = [301, 302, 303, 307, 308];

/** Printable and horizontal tab (RFC 9110, section 5.5), no blank at either end. */
const FIELD_VALUE = /^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/;

/** `filters` of a rule or a backend (Gateway API: HTTPRouteFilter, GRPCRouteFilter), in the order written. */
export function parseFilters(owner: Fields, context: FilterContext): RouteFilter[] {
  const filters = owner.objects('filters', LIMITS.filters);
  const parsed = filters.map((filter) => parseFilter(filter, context)).filter((filter) => filter !== null);
  const types = new Set(parsed.map(({ type }) => type));
  if (types.has('redirect') && types.has('rewrite')) {
    owner.problems.error(owner.at('filters'), 'must not have both RequestRedirect and URLRewrite');
  }
  return parsed;
}

function parseFilter(filter: Fields, context: FilterContext): RouteFilter | null {
  const type = filter.text('type');
  switch (type) {
    case 'RequestHeaderModifier':
      return ofField(filter, 'requestHeaderModifier', (changes) => ({
        type: 'requestHeaders',
        changes: parseChanges(changes),
      }));
    case 'ResponseHeaderModifier':
      return ofField(filter, 'responseHeaderModifier', (changes) => ({
        type: 'responseHeaders',
        changes: parseChanges(changes),
      }));
    case 'RequestRedirect':
      return ofField(filter, 'requestRedirect', (redirect) => parseRedirect(redirect, context));
    case 'URLRewrite':
      return ofField(filter, 'urlRewrite', (rewrite) => ({
        type: 'rewrite',
        hostname: parseHostname(rewrite),
        path: parsePath(rewrite, context),
      }));
    case 'RequestMirror':
      return ofField(filter, 'requestMirror', (mirror) => parseMirror(mirror, context));
    case 'ExtensionRef':
      return ofField(filter, 'extensionRef', (ref) => {
        return { type: 'extension', group: ref.text('group'), kind: ref.text('kind'), name: ref.text('name') };
      });
    default:
      context.scope.unsupported(filter.at('type'), `${quote(type)} is not a filter that is supported`);
      return null;
  }
}

function ofField(filter: Fields, key: string, parse: (fields: Fields) => RouteFilter): RouteFilter | null {
  const fields = filter.required(key);
  return fields === null ? null : parse(fields);
}

function parseChanges(changes: Fields): HeaderChanges {
  const named = (key: string) =>
    changes.objects(key, LIMITS.headerChanges).map((entry) => {
      const value = entry.text('value');
      if (!FIELD_VALUE.test(value))
        entry.problems.error(entry.at('value'), 'must be a header value without line breaks');
      return { name: changedName(entry, entry.at('name'), entry.text('name')), value };
    });
  const remove = changes
    .strings('remove', LIMITS.headerChanges)
    .map(({ text, path }) => changedName(changes, path, text));
  return { add: named('add'), set: named('set'), remove };
}

function changedName(fields: Fields, path: string, written: string): string {
  const name = written.toLowerCase();
  if (!isFieldName(name)) fields.problems.error(path, `must be a header name, not ${quote(written)}`);
  else if (!mayBeChanged(name)) fields.problems.error(path, `must not be ${quote(name)}, which no filter changes`);
  return name;
}

function parseRedirect(redirect: Fields, context: FilterContext): RouteFilter {
  const scheme = redirect.text('scheme');
  if (!['', 'http', 'https'].includes(scheme)) {
    redirect.problems.error(redirect.at('scheme'), `must be http or https, not ${quote(scheme)}`);
  }
  const status = redirect.integer('statusCode') ?? 302;
  if (!REDIRECT_STATUSES.includes(status)) {
    redirect.problems.error(redirect.at('statusCode'), `must be one of ${REDIRECT_STATUSES.join(', ')}, not ${status}`);
  }
  const port = redirect.integer('port') ?? 0;
  const hostname = parseHostname(redirect);
  return { type: 'redirect', scheme, hostname, port, path: parsePath(redirect, context), status };
}

function parseHostname(owner: Fields): string {
  const hostname = owner.text('hostname');
  if (hostname !== '' && !isDnsSubdomain(hostname)) {
    owner.problems.error(owner.at('hostname'), `must be a host name, not ${quote(hostname)}`);
  }
  return hostname;
}

/** What may stand in the path of a request target (RFC 3986, section 3.3); anything else would end the request line. */
const PATH = /^[-A-Za-z0-9/._~!$&'()*+,;=:@%]*$/;

function parsePath(owner: Fields, { prefix }: FilterContext): PathChange | null {
  const path = owner.object('path');
  if (path === null) return null;
  const type = path.text('type');
  if (type !== 'ReplaceFullPath' && type !== 'ReplacePrefixMatch') {
    path.problems.error(path.at('type'), `must be ReplaceFullPath or ReplacePrefixMatch, not ${quote(type)}`);
    return null;
  }
  const key = type === 'ReplaceFullPath' ? 'replaceFullPath' : 'replacePrefixMatch';
  const text = path.text(key);
  if (!PATH.test(text) || (text !== '' && !text.startsWith('/'))) {
    path.problems.error(path.at(key), `must be an absolute path, not ${quote(text)}`);
  }
  if (type === 'ReplaceFullPath') return { type: 'full', path: text || '/' };
  if (prefix === null)
    path.problems.error(path.path, 'with ReplacePrefixMatch needs a rule with exactly one PathPrefix');
  // To replace a prefix by nothing and by `/` is the same (Gateway API: HTTPPathModifier).
  return { type: 'prefix', prefix: prefix ?? '/', path: text || '/' };
}

function parseMirror(mirror: Fields, { namespace }: FilterContext): RouteFilter {
  const ref = mirror.required('backendRef');
  const to = ref === null ? NOTHING : parseTarget(ref, namespace);
  return { type: 'mirrorTo', to, ratio: parseRatio(mirror) };
}

const NOTHING = { group: '', kind: 'Service', namespace: '', name: '', port: 0 };

/** `percent` or `fraction`; neither = all requests (Gateway API: HTTPRequestMirrorFilter). */
function parseRatio(mirror: Fields): number {
  const fraction = mirror.object('fraction');
  if (fraction === null) return (mirror.integer('percent') ?? 100) / 100;
  const ratio = (fraction.integer('numerator') ?? 0) / (fraction.integer('denominator') ?? 100);
  if (ratio >= 0 && ratio <= 1) return ratio;
  fraction.problems.error(fraction.path, 'must be a share of the requests, from 0 to 1');
  return 0;
}
