import { isObject } from '../../../lib/json.ts';
import type { ConfigurationQuestion, HeldConfiguration } from '../../contract/control/configuration.ts';
import { readSnapshot } from '../../core/state/held.ts';
import type { ControlVerb } from './host/answers.ts';

/** Far more than a proxy holds. */
const MAX_KEYS = 20_000;

/** Tells what is in force, as it would be kept for a restarted container, all at once. */
export const tellConfiguration: ControlVerb = ({ context }, about, answers) => {
  const question = readQuestion(about);
  if (question === null) {
    answers.refuse('malformed', ['bodies: expected a list of keys, or null']);
    return null;
  }
  const wanted = question.bodies === null ? null : new Set(question.bodies);
  for (const { key, version, body } of readSnapshot(JSON.parse(context.options.state.persist())) ?? []) {
    const told: HeldConfiguration = { key, version, body: wanted === null || wanted.has(key) ? body : null };
    answers.tell(told);
  }
  answers.end();
  return null;
};

function readQuestion(about: unknown): ConfigurationQuestion | null {
  if (!isObject(about)) return null;
  const { bodies } = about;
  if (bodies === null) return { bodies };
  const isList = Array.isArray(bodies) && bodies.length <= MAX_KEYS && bodies.every((key) => typeof key === 'string');
  return isList ? { bodies } : null;
}
