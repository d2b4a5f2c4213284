import { ready } from '../assessment.ts';
import { CUSTOM, type KindRow } from '../row.ts';
import { HTTP_FAULT, type HttpFaultModel } from './model.ts';
import { parseHttpFault } from './parse.ts';

export const HTTP_FAULT_ROW: KindRow<HttpFaultModel> = {
  ...HTTP_FAULT,
  ...CUSTOM,
  plural: 'httpfaults',
  watched: 'v1alpha1',
  indexes: [],
  status: { form: 'conditions', assess: (_, fault) => ready(describe(fault)) },
  parse: parseHttpFault,
};

function describe({ delay, fail }: HttpFaultModel): string {
  const parts = [
    ...(delay === null ? [] : [`holds up ${percent(delay.ratio)} of the requests for ${delay.ms}ms`]),
    ...(fail === null ? [] : [`answers ${percent(fail.ratio)} of the requests with ${fail.status}`]),
  ];
  return parts.join(' and ');
}

function percent(ratio: number): string {
  return `${Number((ratio * 100).toFixed(3))}%`;
}
