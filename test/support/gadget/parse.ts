import { parseResource, type Source } from '../../../crds/parse/resource.ts';
import type { Parsed } from '../../../crds/types/problem.ts';
import { GADGET, type GadgetModel } from './model.ts';

export function parseGadget(raw: unknown): Parsed<GadgetModel> {
  return parseResource(raw, GADGET, buildGadget);
}

function buildGadget({ meta, spec }: Source): GadgetModel {
  spec.closed(['service', 'size']);
  const size = spec.integer('size') ?? 0;
  if (size < 1) spec.problems.error(spec.at('size'), 'must be at least 1');
  return { meta, service: spec.text('service'), size };
}
