import { isObject } from '../../../lib/json.ts';
import type { Node, Operand, Operator, Step } from './parse.ts';

/** What a template prints of a document. What is not there prints nothing, as kubectl has it. */
export function evaluateJsonPath(nodes: readonly Node[], document: unknown): string {
  return textOf(nodes, document, document);
}

function textOf(nodes: readonly Node[], current: unknown, root: unknown): string {
  let text = '';
  for (const node of nodes) {
    if (node.type === 'text') text += node.text;
    else if (node.type === 'path') text += found(node.steps, current, root).map(shown).join(' ');
    else for (const each of found(node.steps, current, root)) text += textOf(node.body, each, root);
  }
  return text;
}

/** Texts as they are, anything else as JSON. */
function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function found(steps: readonly Step[], current: unknown, root: unknown): unknown[] {
  let values = [current];
  for (const step of steps) values = step.type === 'root' ? [root] : values.flatMap((each) => walk(step, each, root));
  return values;
}

function walk(step: Exclude<Step, { type: 'root' }>, value: unknown, root: unknown): unknown[] {
  switch (step.type) {
    case 'names':
      return step.paths.flatMap((path) => named(path, value));
    case 'all':
      return childrenOf(value);
    case 'below':
      return [value, ...allBelow(value)];
    case 'index':
      return Array.isArray(value) && value.at(step.at) !== undefined ? [value.at(step.at)] : [];
    case 'slice':
      return Array.isArray(value) ? sliceOf(value, step) : [];
    case 'filter':
      return childrenOf(value).filter((each) => holds(step, each, root));
  }
}

function named(path: readonly string[], value: unknown): unknown[] {
  let at: unknown = value;
  for (const name of path) {
    if (!isObject(at) || !Object.hasOwn(at, name)) return [];
    at = at[name];
  }
  return at === undefined ? [] : [at];
}

function childrenOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return isObject(value) ? Object.values(value).filter((each) => each !== undefined) : [];
}

function allBelow(value: unknown): unknown[] {
  return childrenOf(value).flatMap((each) => [each, ...allBelow(each)]);
}

function sliceOf(list: readonly unknown[], { from, to, by }: Extract<Step, { type: 'slice' }>): unknown[] {
  const within = list.slice(from ?? 0, to ?? list.length);
  if (by < 0) return within.reverse().filter((_, at) => at % -by === 0);
  return within.filter((_, at) => at % by === 0);
}

function holds({ left, operator, right }: Extract<Step, { type: 'filter' }>, current: unknown, root: unknown): boolean {
  const mine = valuesOf(left, current, root);
  if (operator === null || right === null) return mine.length > 0;
  const theirs = valuesOf(right, current, root);
  return mine.some((a) => theirs.some((b) => compares(operator, a, b)));
}

function valuesOf(operand: Operand, current: unknown, root: unknown): unknown[] {
  return operand.type === 'value' ? [operand.value] : found(operand.steps, current, root);
}

/** Only numbers with numbers, and texts with texts, have an order. */
function compares(operator: Operator, a: unknown, b: unknown): boolean {
  if (operator === '==') return a === b;
  if (operator === '!=') return a !== b;
  const order = orderOf(a, b);
  if (order === null) return false;
  if (operator === '<') return order < 0;
  if (operator === '>') return order > 0;
  return operator === '<=' ? order <= 0 : order >= 0;
}

function orderOf(a: unknown, b: unknown): number | null {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a !== 'string' || typeof b !== 'string') return null;
  return a < b ? -1 : a > b ? 1 : 0;
}
