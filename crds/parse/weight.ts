import { parseQuantity } from '../scalars/quantity.ts';
import type { Fields } from './fields.ts';
import { MAX_WEIGHT } from './limits.ts';

/** The field `weight` in thousandths; 0 when it is absent or wrong. */
export function parseWeight(fields: Fields): number {
  if (!fields.has('weight')) return 0;
  const path = fields.at('weight');
  const weight = fields.accept(parseQuantity(fields.raw('weight')), path, 0);
  if (weight >= 0 && weight <= MAX_WEIGHT * 1000) return weight;
  fields.problems.error(path, weight < 0 ? 'must not be negative' : `must be at most ${MAX_WEIGHT}`);
  return 0;
}
