import { isDnsSubdomain } from '../scalars/name.ts';
import { quote } from '../scalars/scalar.ts';
import type { KindName } from '../types/kind-name.ts';
import type { ObjectMeta } from '../types/object-meta.ts';
import type { Parsed } from '../types/problem.ts';
import { Fields } from './fields.ts';
import { readMeshMeta } from './metadata.ts';
import { ProblemList } from './problems.ts';

/** What of a kind's name an object must say of itself. */
export type Kind = Pick<KindName, 'group' | 'kind' | 'versions'>;

export interface Source {
  meta: ObjectMeta;
  spec: Fields;
  problems: ProblemList;
}

/** What a kind has to build: the model, and for some its `Parsed.strictest`. `null` where too little can be read. */
export interface Built<M> {
  model: M | null;
  strictest: M | null;
}

/**
 * The frame that all kinds share: checks the envelope, hands the spec to `build`, and drops the model when anything was an error.
 * `build` may be called although the envelope is wrong, so that one look shows all problems. Never throws on any JSON value.
 */
export function parseResource<M>(raw: unknown, kind: Kind, build: (source: Source) => M | null): Parsed<M> {
  return parseStrictly(raw, kind, (source) => ({ model: build(source), strictest: null }));
}

/** The same for kinds whose absence would open something. */
export function parseStrictly<M>(raw: unknown, kind: Kind, build: (source: Source) => Built<M>): Parsed<M> {
  const problems = new ProblemList();
  const root = Fields.of({ value: raw, path: '' }, problems);
  if (root === null) return { model: null, problems: problems.list() };
  const meta = readMeshMeta(raw);
  checkEnvelope(root, kind, meta);
  const spec = specOf(root);
  const { model, strictest } = spec === null ? NOTHING : build({ meta, spec, problems });
  if (!problems.failed) return { model, problems: problems.list() };
  return { model: null, problems: problems.list(), ...(strictest === null ? {} : { strictest }) };
}

/**
 * The same for kinds whose parts stand for themselves: the model is kept in spite of errors, and says itself which parts of it cannot be carried out. Only
 * what is wrong with the envelope makes the object unusable.
 */
export function parseParts<M>(raw: unknown, kind: Kind, build: (source: Source) => M): Parsed<M> {
  const problems = new ProblemList();
  const root = Fields.of({ value: raw, path: '' }, problems);
  if (root === null) return { model: null, problems: problems.list() };
  const meta = readMeshMeta(raw);
  checkEnvelope(root, kind, meta);
  const spec = specOf(root);
  const usable = !problems.failed && spec !== null;
  const model = spec === null ? null : build({ meta, spec, problems });
  return { model: usable ? model : null, problems: problems.list() };
}

const NOTHING = { model: null, strictest: null };

/** An absent spec is an empty one: the parser then names the fields that it misses, and kinds without required fields accept it. */
function specOf(root: Fields): Fields | null {
  return root.has('spec') ? root.required('spec') : new Fields({}, 'spec', root.problems);
}

function checkEnvelope(root: Fields, { group, kind, versions }: Kind, meta: ObjectMeta): void {
  const apiVersion = root.string('apiVersion');
  if (apiVersion !== undefined && !versions.some((version) => apiVersion === `${group}/${version}`)) {
    root.problems.error('apiVersion', `must be ${group}/${versions.join(` or ${group}/`)}, not ${quote(apiVersion)}`);
  }
  const actual = root.string('kind');
  if (actual !== undefined && actual !== kind) root.problems.error('kind', `must be ${kind}, not ${quote(actual)}`);
  if (!isDnsSubdomain(meta.name)) {
    root.problems.error('metadata.name', `must be a lower-case RFC 1123 subdomain, not ${quote(meta.name)}`);
  }
}
