/** `error` label values (linkerd2-proxy: outbound and inbound error metrics). `connect` is ours. */
export const OUTBOUND_ERRORS = [
  'loadshed',
  'failfast',
  'identity required',
  'i/o',
  'connect',
  'response timeout',
  'unexpected',
] as const;
export const INBOUND_ERRORS = [
  'failfast',
  'loadshed',
  'tls detection timeout',
  'gateway loop',
  'gateway domain invalid',
  'i/o',
  'connect',
  'unexpected',
] as const;

export type OutboundError = (typeof OUTBOUND_ERRORS)[number];
export type InboundError = (typeof INBOUND_ERRORS)[number];
