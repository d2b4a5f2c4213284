import { HIGHEST_GRPC_STATUS, UNAVAILABLE } from '../../../proxy-image/contract/policy/grpc-status.ts';
import type { Fields } from '../../parse/fields.ts';
import { parseResource, type Source } from '../../parse/resource.ts';
import { parseDuration } from '../../scalars/duration.ts';
import type { Parsed } from '../../types/problem.ts';
import { HTTP_FAULT, type HttpFaultModel } from './model.ts';

export function parseHttpFault(raw: unknown): Parsed<HttpFaultModel> {
  return parseResource(raw, HTTP_FAULT, buildFault);
}

/** What a caller sees of a server that is gone. */
const DEFAULT_GRPC_STATUS = UNAVAILABLE;
const MAX_MESSAGE = 256;
/** Held-up requests stay in the memory of the proxy. */
const MAX_DELAY_MS = 300_000;

function buildFault({ meta, spec }: Source): HttpFaultModel {
  spec.closed(['delay', 'fail']);
  const delay = spec.object('delay');
  const fail = spec.object('fail');
  if (delay === null && fail === null) spec.problems.error(spec.path, 'must have delay or fail');
  return { meta, delay: delay && parseDelay(delay), fail: fail && parseFail(fail) };
}

function parseDelay(delay: Fields): HttpFaultModel['delay'] {
  delay.closed(['duration', 'percent']);
  if (!delay.has('duration')) delay.problems.error(delay.at('duration'), 'is required');
  const ms = delay.scalar('duration', parseDuration, 0);
  if (ms < 0 || ms > MAX_DELAY_MS) delay.problems.error(delay.at('duration'), 'must be from 0s to 5m');
  return { ms: Math.ceil(ms), ratio: parseRatio(delay) };
}

function parseFail(fail: Fields): HttpFaultModel['fail'] {
  fail.closed(['status', 'grpcStatus', 'message', 'percent']);
  const message = fail.text('message');
  if (!/^[ -~]*$/.test(message) || message.length > MAX_MESSAGE) {
    fail.problems.error(fail.at('message'), `must be at most ${MAX_MESSAGE} printable ASCII characters`);
  }
  return {
    status: within(fail, 'status', 400, 599, undefined),
    grpcStatus: within(fail, 'grpcStatus', 1, HIGHEST_GRPC_STATUS, DEFAULT_GRPC_STATUS),
    message,
    ratio: parseRatio(fail),
  };
}

/** A share of the requests; all of them where nothing is written. */
function parseRatio(fields: Fields): number {
  const percent = fields.number('percent') ?? 100;
  if (percent >= 0 && percent <= 100) return percent / 100;
  fields.problems.error(fields.at('percent'), `must be from 0 to 100, not ${percent}`);
  return 0;
}

function within(fields: Fields, key: string, min: number, max: number, fallback: number | undefined): number {
  const value = fields.integer(key) ?? fallback;
  if (value === undefined) fields.problems.error(fields.at(key), 'is required');
  else if (value < min || value > max)
    fields.problems.error(fields.at(key), `must be from ${min} to ${max}, not ${value}`);
  return value ?? min;
}
