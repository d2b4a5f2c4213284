import type { LabelSelector } from '../types/label-selector.ts';
import { isLabelKey, isLabelValue } from './name.ts';

type Requirement = LabelSelector['matchExpressions'][number];

/** Longest selector, and most requirements, that are looked at. */
const MAX_LENGTH = 4_096;
const MAX_REQUIREMENTS = 64;
/** Commas that are not between brackets. */
const COMMA = /,(?![^(]*\))/;
const SET = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/;
const EQUALITY = /^([^=!\s]+)\s*(==|=|!=)\s*([^=!\s]*)$/;

/** A selector as `kubectl -l` has it (apimachinery `pkg/labels`): `app=web,tier!=test,zone in (a, b),!old`; `null`: it is none. Empty: everything. */
export function parseSelectorText(text: string): LabelSelector | null {
  if (text.length > MAX_LENGTH) return null;
  const parts = text.split(COMMA).map((part) => part.trim());
  if (text.trim() === '') return { matchLabels: {}, matchExpressions: [] };
  const requirements = parts.map(requirementOf);
  if (parts.length > MAX_REQUIREMENTS || requirements.some((each) => each === null)) return null;
  return { matchLabels: {}, matchExpressions: requirements.filter((each) => each !== null) };
}

function requirementOf(part: string): Requirement | null {
  const requirement = setOf(part) ?? equalityOf(part) ?? presenceOf(part);
  return isLabelKey(requirement.key) && requirement.values.every(isLabelValue) ? requirement : null;
}

function setOf(part: string): Requirement | null {
  const [, key, operator, values] = SET.exec(part) ?? [];
  if (key === undefined) return null;
  return {
    key,
    operator: operator === 'in' ? 'In' : 'NotIn',
    values: values!.split(',').map((value) => value.trim()),
  };
}

function equalityOf(part: string): Requirement | null {
  const [, key, operator, value] = EQUALITY.exec(part) ?? [];
  if (key === undefined) return null;
  return { key, operator: operator === '!=' ? 'NotIn' : 'In', values: [value!] };
}

function presenceOf(part: string): Requirement {
  if (part.startsWith('!')) return { key: part.slice(1).trim(), operator: 'DoesNotExist', values: [] };
  return { key: part, operator: 'Exists', values: [] };
}
