import type { Scalar } from '../scalars/scalar.ts';
import type { Annotation, Otherwise, Place } from './annotation.ts';

/** An annotation about the traffic to a Service; blanks around its value are nobody's intention. What is not accepted leaves its default in force. */
export function trafficRow<T>(
  on: readonly Place[],
  name: string,
  parse: (text: string) => Scalar<T>,
  otherwise: Otherwise<T>,
): Annotation<T> {
  return { names: [name], on, parse: (text) => parse(text.trim()), strictest: null, otherwise };
}
