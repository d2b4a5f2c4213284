import { CUSTOM, type KindRow } from '../../../crds/kinds/row.ts';
import { assessGadget } from './assess.ts';
import { GADGET, type GadgetModel } from './model.ts';
import { parseGadget } from './parse.ts';
import { GADGETS_OF_SERVICE } from './queries.ts';

export const GADGET_ROW: KindRow<GadgetModel> = {
  ...GADGET,
  ...CUSTOM,
  plural: 'gadgets',
  watched: 'v1',
  optional: true,
  indexes: [GADGETS_OF_SERVICE],
  status: { form: 'conditions', assess: assessGadget, fields: ({ size }) => ({ size }) },
  parse: parseGadget,
};
