import type { Problem } from '../types/problem.ts';
import type { Finding } from './reader.ts';

/** As problems of an object are reported, with the annotation's name. */
export function problemOf({ name, kind, text }: Finding): Problem {
  const severity = kind === 'passedOver' || kind === 'strictest' ? 'error' : 'warning';
  return { severity, path: `metadata.annotations[${name}]`, message: text };
}
