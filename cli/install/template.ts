import type { SettingName } from './settings.ts';
import { effectiveValue, recordOf, type Values } from './values.ts';

/**
 * Objects in which values are still open. They are made into objects by `resolved`, for the command, and into the text of a chart by `hack/packages`: two readers of
 * one thing.
 */
export type Template = string | number | boolean | null | Hole | Choice | Noted | readonly Template[] | TemplateMap;
export interface TemplateMap {
  readonly [key: string]: Template;
}

/** What values must be like. */
export type Condition =
  /** A setting that is `true` or `false`. */
  | { type: 'true'; name: SettingName }
  /** A setting that has a value that is not empty. */
  | { type: 'set'; name: SettingName }
  /** Something is set (`recordOf`). */
  | { type: 'recorded' }
  | { type: 'not'; of: Condition }
  | { type: 'all'; of: readonly Condition[] };

/** A scalar or, as JSON, a whole value. */
export class Hole {
  /** `record`: all that is set (`recordOf`). */
  readonly as: 'text' | 'number' | 'json' | 'record';
  /** Those that are named are values; the others are as they stand. Numbers and JSON have one part, a value; a record has none. */
  readonly parts: readonly Part[];

  constructor(as: Hole['as'], parts: readonly Part[]) {
    this.as = as;
    this.parts = parts;
  }
}

export type Part = string | { readonly value: SettingName };

/** The first that holds. With none, the entry of the mapping, or the item of the list, is left out. */
export class Choice {
  readonly cases: readonly Case[];

  constructor(cases: readonly Case[]) {
    this.cases = cases;
  }
}

export interface Case {
  readonly when: Condition;
  readonly content: Template;
}

/** What has a comment where it is read as text. */
export class Noted {
  readonly note: string;
  readonly content: Template;

  constructor(note: string, content: Template) {
    this.note = note;
    this.content = content;
  }
}

export const isTrue = (name: SettingName): Condition => ({ type: 'true', name });
export const isSet = (name: SettingName): Condition => ({ type: 'set', name });
export const not = (of: Condition): Condition => ({ type: 'not', of });
export const all = (...of: readonly Condition[]): Condition => ({ type: 'all', of });

export const textOf = (...parts: readonly Part[]): Hole => new Hole('text', parts);
export const valueText = (value: SettingName): Hole => new Hole('text', [{ value }]);
export const valueNumber = (value: SettingName): Hole => new Hole('number', [{ value }]);
export const RECORD = new Hole('record', []);
export const valueJson = (value: SettingName): Hole => new Hole('json', [{ value }]);

/** `content` where it holds, else `otherwise`, or nothing. */
export function when(condition: Condition, content: Template, otherwise?: Template): Choice {
  const last = otherwise === undefined ? [] : [{ when: all(), content: otherwise }];
  return new Choice([{ when: condition, content }, ...last]);
}

/** The value where there is one, else `otherwise`, or nothing. */
export function whenSet(name: SettingName, otherwise?: Template): Choice {
  return when(isSet(name), valueText(name), otherwise);
}

export function isMap(template: Template): template is TemplateMap {
  const isNode = template instanceof Hole || template instanceof Choice || template instanceof Noted;
  return typeof template === 'object' && template !== null && !Array.isArray(template) && !isNode;
}

export function isList(template: Template): template is readonly Template[] {
  return Array.isArray(template);
}

/** No value is open in it any more. Notes are still there. */
export function resolved(template: Template, values: Values): Template | undefined {
  if (template instanceof Hole) return filled(template, values);
  if (template instanceof Choice) {
    const found = template.cases.find(({ when: condition }) => holds(condition, values));
    return found === undefined ? undefined : resolved(found.content, values);
  }
  if (template instanceof Noted) {
    const content = resolved(template.content, values);
    return content === undefined ? undefined : new Noted(template.note, content);
  }
  if (isList(template)) return template.map((item) => resolved(item, values)).filter((item) => item !== undefined);
  if (!isMap(template)) return template;
  const entries = Object.entries(template).flatMap(([key, content]) => {
    const now = resolved(content, values);
    return now === undefined ? [] : [[key, now] as const];
  });
  return Object.fromEntries(entries);
}

/** Plain data of what is resolved: without notes. @throws Error where a value is still open */
export function plain(template: Template): unknown {
  if (template instanceof Hole || template instanceof Choice) throw new Error('a value is still open');
  if (template instanceof Noted) return plain(template.content);
  if (isList(template)) return template.map(plain);
  if (!isMap(template)) return template;
  return Object.fromEntries(Object.entries(template).map(([key, content]) => [key, plain(content)]));
}

export function holds(condition: Condition, values: Values): boolean {
  switch (condition.type) {
    case 'true':
      return effectiveValue(values, condition.name) === 'true';
    case 'set':
      return !['', '{}', '[]'].includes(effectiveValue(values, condition.name) ?? '');
    case 'recorded':
      return recordOf(values) !== '';
    case 'not':
      return !holds(condition.of, values);
    case 'all':
      return condition.of.every((each) => holds(each, values));
  }
}

function filled({ as, parts }: Hole, values: Values): Template {
  if (as === 'record') return recordOf(values);
  const text = parts
    .map((part) => (typeof part === 'string' ? part : (effectiveValue(values, part.value) ?? '')))
    .join('');
  if (as === 'number') return Number(text);
  return as === 'json' ? (JSON.parse(text) as Template) : text;
}
