import { readFileSync } from 'node:fs';
import type { V1CustomResourceDefinition } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { type Clock, sleep, withDeadline } from '../runtime/clock.ts';
import { RequestError } from '../runtime/errors.ts';
import type { Applier, ObjectReference } from './apply.ts';
import { type ResourceType, resourcePath } from './resources.ts';
import type { RestClient } from './rest.ts';

const DEFINITIONS: ResourceType = { group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions' };
const ESTABLISH_TIMEOUT_MS = 30_000;
const POLL_MS = 100;

/** Applies the definition in a YAML file and waits until the API server serves it. An older one is upgraded. */
export async function applyDefinition(
  file: string,
  applier: Applier,
  rest: RestClient,
  clock: Clock,
): Promise<V1CustomResourceDefinition> {
  // Not the client's `loadYaml`: it renames `x-kubernetes-*` to names of its own, which the API server does not know.
  const definition = parse(readFileSync(file, 'utf8')) as V1CustomResourceDefinition;
  const name = definition.metadata?.name ?? '';
  if (definition.apiVersion !== 'apiextensions.k8s.io/v1' || name === '') {
    throw new RequestError('Invalid', `${file} is not a CustomResourceDefinition of apiextensions.k8s.io/v1`);
  }
  const { apiVersion: _, kind, ...content } = definition;
  const reference: ObjectReference = { type: DEFINITIONS, kind: kind ?? '', namespace: '', name };
  await withDeadline(clock, ESTABLISH_TIMEOUT_MS, new AbortController().signal, async (signal) => {
    await applier.apply(reference, { ...content }, signal);
    const path = resourcePath(DEFINITIONS, '', name);
    while (!isEstablished(await rest.json<V1CustomResourceDefinition>({ method: 'GET', path, signal }))) {
      await sleep(clock, POLL_MS, signal);
    }
  });
  return definition;
}

function isEstablished(definition: V1CustomResourceDefinition): boolean {
  return (
    definition.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false
  );
}
