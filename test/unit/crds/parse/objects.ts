import { expect } from 'chai';
import type { Parsed } from '../../../../crds/types/problem.ts';

/** A ServiceProfile of `web` in `shop` with this spec. */
export function profile(spec: unknown, name = 'web.shop.svc.cluster.local'): unknown {
  return { apiVersion: 'linkerd.io/v1alpha2', kind: 'ServiceProfile', metadata: { name, namespace: 'shop' }, spec };
}

export function split(spec: unknown): unknown {
  return {
    apiVersion: 'split.smi-spec.io/v1alpha1',
    kind: 'TrafficSplit',
    metadata: { name: 'web', namespace: 'shop' },
    spec,
  };
}

export function server(spec: unknown): unknown {
  return {
    apiVersion: 'policy.linkerd.io/v1beta3',
    kind: 'Server',
    metadata: { name: 'web', namespace: 'shop' },
    spec,
  };
}

export function authorization(spec: unknown): unknown {
  const metadata = { name: 'web', namespace: 'shop' };
  return { apiVersion: 'policy.linkerd.io/v1beta1', kind: 'ServerAuthorization', metadata, spec };
}

export function mesh(spec: unknown): unknown {
  return { apiVersion: 'weft.dev/v1alpha1', kind: 'Mesh', metadata: { name: 'default' }, spec };
}

/** The model of an object that must be without errors. */
export function modelOf<M>({ model, problems }: Parsed<M>): M {
  const errors = problems.filter(({ severity }) => severity === 'error');
  expect(errors, JSON.stringify(errors)).to.deep.equal([]);
  expect(model).to.not.equal(null);
  return model!;
}

/** `severity path` of every problem, sorted. */
export function problemsOf({ problems }: Parsed<unknown>): string[] {
  return problems.map(({ severity, path }) => `${severity} ${path}`).sort();
}
