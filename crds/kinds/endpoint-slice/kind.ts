import { BUILT_IN, type KindRow, reduced } from '../row.ts';
import { ENDPOINT_SLICE, type EndpointSliceModel } from './model.ts';
import { reduceEndpointSlice } from './parse.ts';
import { SLICES_OF_SERVICE } from './queries.ts';

export const ENDPOINT_SLICE_ROW: KindRow<EndpointSliceModel> = {
  ...ENDPOINT_SLICE,
  ...BUILT_IN,
  plural: 'endpointslices',
  watched: 'v1',
  indexes: [SLICES_OF_SERVICE],
  parse: reduced(reduceEndpointSlice),
};
