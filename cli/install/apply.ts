import { FIELD_MANAGER } from './api.ts';
import { type DefinitionsPlan, definitionsPlan } from './definitions.ts';
import { type Change, changes } from './difference.ts';
import { isProgram } from './installed-operator.ts';
import { type KubeObject, nameOf } from './object.ts';
import type { Installation } from './objects.ts';
import type { Steps } from './steps.ts';
import { refuseDropped } from './stored-versions.ts';
import { isEstablished, isRolledOut, until } from './wait.ts';
import { WEBHOOKS } from './webhooks.ts';

const ESTABLISHED_LIMIT_MS = 60_000;
const ROLLOUT_LIMIT_MS = 180_000;
const WEBHOOKS_LIMIT_MS = 60_000;

export interface ApplyInstallationOptions {
  /** Takes fields that somebody else has set. */
  force: boolean;
  /** Replaces definitions that somebody else has installed. */
  upgradeDefinitions: boolean;
  /** Nothing is kept, and nothing waited for. */
  dryRun: boolean;
  /** Until the operator is ready and its webhooks are registered. */
  wait: boolean;
}

/** What became of an object, or would. */
export interface Outcome {
  object: KubeObject;
  type: 'created' | 'changed' | 'unchanged';
  /** None where it was created. */
  changes: readonly Change[];
}

/**
 * Applies an installation in its order. May be repeated: what is as it should be is not written again.
 * @throws CliError WEFT_INSTALL_CONFLICT, WEFT_INSTALL_DEFINITION, WEFT_INSTALL_STORED_VERSION, WEFT_INSTALL_TIMEOUT
 */
export async function applyInstallation(
  steps: Steps,
  { definitions, controlPlane }: Installation,
  options: ApplyInstallationOptions,
): Promise<Outcome[]> {
  const present = await steps.api.list('apiextensions.k8s.io/v1', 'CustomResourceDefinition');
  const plan = definitionsPlan(definitions, present, options.upgradeDefinitions);
  refuseDropped(plan.wanted, present);
  for (const line of plan.lines) steps.note(line);
  const outcomes = await applyDefinitions(steps, plan, options);
  if (controlPlane.length === 0) return outcomes;
  await steps.phase(`control plane: ${controlPlane.length} objects`, async () => {
    for (const object of controlPlane) outcomes.push(await applyOne(steps, object, outcomes, options));
  });
  if (options.wait && !options.dryRun) await waitUntilReady(steps, controlPlane);
  return outcomes;
}

async function applyDefinitions(
  steps: Steps,
  { wanted, foreign }: DefinitionsPlan,
  options: ApplyInstallationOptions,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  if (wanted.length === 0) return outcomes;
  await steps.phase(`custom resource definitions: ${wanted.length}`, async () => {
    for (const definition of wanted) {
      const force = options.force || foreign.has(definition.metadata.name);
      outcomes.push(await applyOne(steps, definition, outcomes, { ...options, force }));
    }
    if (options.dryRun) return;
    for (const definition of wanted) {
      await until(steps, definition, 'served', ESTABLISHED_LIMIT_MS, isEstablished);
    }
  });
  return outcomes;
}

async function applyOne(
  { api }: Steps,
  wanted: KubeObject,
  earlier: readonly Outcome[],
  options: Pick<ApplyInstallationOptions, 'force' | 'dryRun'>,
): Promise<Outcome> {
  const before = await api.get(wanted);
  // Its namespace is none of the cluster yet, so that the API server could not say what it would become.
  const isInNewNamespace = earlier.some(
    ({ object, type }) =>
      object.kind === 'Namespace' && object.metadata.name === wanted.metadata.namespace && type === 'created',
  );
  if (options.dryRun && isInNewNamespace) return { object: wanted, type: 'created', changes: [] };
  const after = await api.apply(keepingReplicas(wanted, before), options);
  if (before === null) return { object: after, type: 'created', changes: [] };
  const found = changes(before, after);
  return { object: after, type: found.length === 0 ? 'unchanged' : 'changed', changes: found };
}

/**
 * Without the number of replicas where somebody else has set it (`kubectl scale`, an autoscaler): even `--force` does not take it. Where it is ours, or nobody's
 * else, it stays in: leaving it out would be giving it up.
 */
export function keepingReplicas(wanted: KubeObject, present: KubeObject | null): KubeObject {
  if (present === null || !isProgram(wanted)) return wanted;
  const owners = (present.metadata.managedFields ?? []).filter(({ fieldsV1 }) => setsReplicas(fieldsV1));
  const isOurs = owners.some(({ manager }) => manager === FIELD_MANAGER);
  if (owners.length === 0 || isOurs) return wanted;
  const { replicas: _, ...spec } = wanted['spec'] as Record<string, unknown>;
  return { ...wanted, spec };
}

function setsReplicas(fields: Readonly<Record<string, unknown>> | undefined): boolean {
  return Object.hasOwn((fields?.['f:spec'] as object | undefined) ?? {}, 'f:replicas');
}

async function waitUntilReady(steps: Steps, controlPlane: readonly KubeObject[]): Promise<void> {
  const programs = controlPlane.filter(isProgram);
  if (programs.length > 0) {
    await steps.phase('operator is ready', async () => {
      for (const program of programs) await until(steps, program, 'rolled out', ROLLOUT_LIMIT_MS, isRolledOut);
    });
  }
  await steps.phase('webhooks are registered', async () => {
    for (const webhook of WEBHOOKS) {
      await until(steps, webhook, 'there', WEBHOOKS_LIMIT_MS, (found) => found !== null);
    }
  });
}

/** As `kubectl apply` says it. */
export function outcomeLine({ object, type }: Outcome, dryRun: boolean): string {
  return `${nameOf(object)} ${type}${dryRun ? ' (dry run)' : ''}`;
}

/** What an object would be, field by field; nothing where it stays. */
export function outcomeDiff({ object, type, changes: found }: Outcome): string[] {
  if (type === 'unchanged') return [];
  if (type === 'created') return [`+ ${nameOf(object)}`];
  return [
    `~ ${nameOf(object)}`,
    ...found.flatMap(({ path, before, after }) => [
      ...(before === null ? [] : [`  - ${path}: ${before}`]),
      ...(after === null ? [] : [`  + ${path}: ${after}`]),
    ]),
  ];
}
