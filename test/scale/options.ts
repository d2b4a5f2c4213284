import { LARGE, LOAD, type Load, type Size, SMALL } from './size.ts';

/** A stretch of time with so many proxies. */
export interface Step {
  proxies: number;
  seconds: number;
}

export interface Options {
  size: Size;
  load: Load;
  /** Fewest proxies first; the last is the one that is judged. */
  steps: Step[];
  data: string | null;
  profile: boolean;
  processes: number;
  /** For statuses to be written before anything is measured, at most. */
  settleSeconds: number;
  output: string;
  /** The same as tables for the documentation. */
  markdown: string;
}

/** Numbers of proxies of the curve, as parts of all. */
const CURVE = [1 / 8, 1 / 4, 1 / 2];

/**
 * `MINUTES` of the last step (10), `CURVE=1` for steps with an eighth, a quarter and half of the proxies before it, `CURVE_SECONDS` each (120), `PROXIES`, `SMALL=1` for a
 * tenth of the objects, `DATA` a folder of etcd to be used again, `PROFILE=1` for CPU profiles of the replicas, `PROCESSES` that play proxies (2), `SETTLE_SECONDS` that
 * statuses are waited for (600).
 */
export function readOptions(env: NodeJS.ProcessEnv): Options {
  const number = (name: string, fallback: number) => Number(env[name] || fallback);
  const size = env['SMALL'] ? SMALL : LARGE;
  const proxies = number('PROXIES', size.proxies);
  const curve = env['CURVE'] ? CURVE : [];
  const seconds = number('CURVE_SECONDS', 120);
  return {
    size: { ...size, proxies },
    load: {
      endpointChangesPerSecond: number('ENDPOINT_CHANGES', LOAD.endpointChangesPerSecond),
      resourceChangesPerSecond: number('RESOURCE_CHANGES', LOAD.resourceChangesPerSecond),
    },
    steps: [
      ...curve.map((part) => ({ proxies: Math.round(proxies * part), seconds })),
      { proxies, seconds: number('MINUTES', 10) * 60 },
    ],
    data: env['DATA'] || null,
    profile: Boolean(env['PROFILE']),
    processes: number('PROCESSES', 2),
    settleSeconds: number('SETTLE_SECONDS', 600),
    output: 'build/scale.json',
    markdown: 'build/scale.md',
  };
}
