import { isObject } from '../../../lib/json.ts';
import { CONTROL_REFUSALS, type ControlAnswer, type ControlQuestion } from './messages.ts';

/** Longest name of a verb, and text of a problem. */
const MAX_TEXT = 1_024;
const MAX_PROBLEMS = 20;

/** The question in what a proxy received, which is hostile like all that comes from a network; else what is wrong with it. Its particulars are the verb's to read. */
export function checkControlQuestion(value: unknown): { question: ControlQuestion } | { problem: string } {
  if (!isObject(value) || value['type'] !== 'ask') return { problem: 'expected an object of type ask' };
  const { version, verb, about } = value;
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1)
    return { problem: 'version: expected an integer from 1' };
  if (typeof verb !== 'string' || verb.length > MAX_TEXT) return { problem: 'verb: expected a string' };
  return { question: { type: 'ask', version, verb, about } };
}

/** What the control plane received from a proxy, or what is wrong with it. A refusal of a kind that is not known is one of `malformed`. */
export function checkControlAnswer(value: unknown): { answer: ControlAnswer } | { problem: string } {
  if (!isObject(value)) return { problem: 'expected an object' };
  const { type, item, reason, problems } = value;
  if (type === 'tell') return { answer: { type, item } };
  if (type === 'end') return { answer: { type } };
  if (type !== 'refused') return { problem: 'type: expected tell, end or refused' };
  const known = CONTROL_REFUSALS.find((candidate) => candidate === reason) ?? 'malformed';
  const texts = Array.isArray(problems) ? problems.filter((text): text is string => typeof text === 'string') : [];
  return {
    answer: { type, reason: known, problems: texts.slice(0, MAX_PROBLEMS).map((text) => text.slice(0, MAX_TEXT)) },
  };
}
