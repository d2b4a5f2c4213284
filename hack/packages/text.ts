import { stringify } from 'yaml';
import { SETTINGS, type Setting, type SettingName } from '../../cli/install/settings.ts';
import {
  Choice,
  type Condition,
  Hole,
  isList,
  isMap,
  Noted,
  type Part,
  type Template,
  type TemplateMap,
} from '../../cli/install/template.ts';

/** YAML 1.1, in which `off` and `yes` without quotes are booleans: parsers of Kubernetes take them so. */
const AS_KUBERNETES_READS = { version: '1.1', lineWidth: 0 } as const;

const RECORD_NAME = 'weft.record';
const INCLUDE_RECORD = `include ${JSON.stringify(RECORD_NAME)} .`;

/** The template of a chart that says as JSON what is set: as `recordOf` for the command. */
export function recordTemplate(names: readonly SettingName[]): string {
  const lines = names.map((name) => {
    const { fallback, type }: Setting = SETTINGS[name];
    const value = reference({ value: name });
    const text = type === 'json' ? `toJson ${value}` : `toString ${value}`;
    const isOther = fallback === undefined ? value : `ne (${text}) ${JSON.stringify(fallback)}`;
    return `{{- if ${isOther} }}{{ $_ := set $set ${JSON.stringify(name)} (${text}) }}{{ end }}`;
  });
  const head = `{{- define ${JSON.stringify(RECORD_NAME)} }}`;
  return [head, '{{- $set := dict }}', ...lines, '{{- if $set }}{{ toJson $set }}{{ end }}', '{{- end }}', ''].join(
    '\n',
  );
}

/**
 * Objects as YAML, a document each. Where values are open, in the language of Helm's templates, which hold nothing but values, conditions on them, and text: what is rendered
 * depends on nothing else.
 */
export function documents(objects: readonly Template[]): string {
  return `${objects.flatMap((object) => document(object)).join('\n')}\n`;
}

/** A comment belongs to the document that it is about. */
function document(object: Template, note = ''): string[] {
  if (object instanceof Noted) return document(object.content, object.note);
  const comment = note === '' ? [] : commentLines(note, '');
  return chosen(object, '', (content) => ['---', ...comment, ...body(content, 0)]);
}

function commentLines(note: string, indent: string): string[] {
  return note.split('\n').map((line) => `${indent}# ${line}`.trimEnd());
}

function body(content: Template, depth: number): string[] {
  if (isMap(content)) return mapping(content, depth);
  if (isList(content)) return content.flatMap((item) => listItem(item, depth));
  throw new Error('a document is a mapping');
}

function mapping(content: TemplateMap, depth: number): string[] {
  const entries = Object.entries(content);
  if (entries.length > 0 && entries.every(([, each]) => isOptional(each))) {
    throw new Error(`a mapping that may have no entry at all would be null: ${entries.map(([key]) => key).join()}`);
  }
  return entries.flatMap(([key, each]) => entry(key, each, depth));
}

/** Whether there are values with which it is left out. */
function isOptional(content: Template): boolean {
  if (content instanceof Noted) return isOptional(content.content);
  if (!(content instanceof Choice)) return false;
  return !content.cases.some(({ when }) => isOtherwise(when)) || content.cases.some((one) => isOptional(one.content));
}

function entry(key: string, content: Template, depth: number): string[] {
  const indent = ' '.repeat(depth);
  return chosen(content, indent, (each) => {
    const name = `${indent}${scalar(key)}:`;
    if (each instanceof Hole && each.as === 'json') {
      return [name, `${indent}  {{- toYaml ${reference(each.parts[0]!)} | nindent ${depth + 2} }}`];
    }
    if (isMap(each) && Object.keys(each).length > 0) return [name, ...mapping(each, depth + 2)];
    if (isList(each) && each.length > 0) return [name, ...each.flatMap((item) => listItem(item, depth + 2))];
    return [`${name} ${inline(each)}`];
  });
}

function listItem(item: Template, depth: number): string[] {
  const indent = ' '.repeat(depth);
  return chosen(item, indent, (each) => {
    if (isMap(each) && Object.keys(each).length > 0) {
      const [first = '', ...rest] = mapping(each, depth + 2);
      if (/^ *(?:\{\{|#)/.test(first)) throw new Error(`the first entry of an item is not always there: ${first}`);
      return [`${indent}- ${first.slice(depth + 2)}`, ...rest];
    }
    if (isList(each)) throw new Error('a list within a list');
    return [`${indent}- ${inline(each)}`];
  });
}

/** What is written for each case, between the conditions; comments stand before what they are about. */
function chosen(content: Template, indent: string, write: (content: Template) => string[]): string[] {
  if (content instanceof Noted)
    return [...commentLines(content.note, indent), ...chosen(content.content, indent, write)];
  if (!(content instanceof Choice)) return write(content);
  const lines = content.cases.flatMap(({ when, content: each }, at) => {
    const word = at === 0 ? 'if ' : 'else if ';
    const condition = isOtherwise(when) ? 'else' : `${word}${conditionText(when)}`;
    return [`${indent}{{- ${condition} }}`, ...chosen(each, indent, write)];
  });
  return [...lines, `${indent}{{- end }}`];
}

function isOtherwise(condition: Condition): boolean {
  return condition.type === 'all' && condition.of.length === 0;
}

function conditionText(condition: Condition): string {
  switch (condition.type) {
    case 'true':
    case 'set':
      return reference({ value: condition.name });
    case 'recorded':
      return INCLUDE_RECORD;
    case 'not':
      return `not ${operand(condition.of)}`;
    case 'all':
      return `and ${condition.of.map(operand).join(' ')}`;
  }
}

function operand(condition: Condition): string {
  const text = conditionText(condition);
  return text.includes(' ') ? `(${text})` : text;
}

function inline(content: Template): string {
  if (content instanceof Hole) return `{{ ${expression(content)} }}`;
  if (isMap(content)) return '{}';
  if (isList(content)) return '[]';
  return scalar(content as string | number | boolean | null);
}

function expression({ as, parts }: Hole): string {
  const [only] = parts;
  if (as === 'record') return `${INCLUDE_RECORD} | quote`;
  if (as === 'number') return `${reference(only!)} | int`;
  if (as === 'json') throw new Error('a value that has parts is an entry of a mapping');
  if (parts.length === 1) return `${reference(only!)} | quote`;
  const format = parts.map((part) => (typeof part === 'string' ? part.replaceAll('%', '%%') : '%s')).join('');
  const values = parts.filter((part) => typeof part !== 'string').map(reference);
  return `printf ${JSON.stringify(format)} ${values.join(' ')} | quote`;
}

function reference(part: Part): string {
  if (typeof part === 'string') throw new Error(`${part} is no value`);
  return `.Values.${part.value}`;
}

function scalar(value: string | number | boolean | null): string {
  const isLong = typeof value === 'string' && value.includes('\n');
  const text = isLong ? JSON.stringify(value) : stringify(value, AS_KUBERNETES_READS).trimEnd();
  if (text.includes('{{')) throw new Error(`Helm would take it for its own: ${text}`);
  return text;
}
