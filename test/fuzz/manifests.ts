/**
 * Fuzzes manifests that `weft inject` changes in their text: either it says that it cannot, or what it prints is the same but for the annotation, and `weft uninject` gives
 * back objects that are the same as before.
 */
import { CliError } from '../../cli/errors.ts';
import { isSameObject, withoutEntries } from '../../cli/inject/expected.ts';
import { isOfInjection } from '../../cli/inject/marks.ts';
import { planInjection, planRemoval } from '../../cli/inject/plan.ts';
import { rewriteText } from '../../cli/inject/rewrite.ts';
import { podOf, roleOf } from '../../cli/inject/workloads.ts';
import { partsOf } from '../../cli/manifests/documents.ts';
import { readMeta } from '../../crds/parse/metadata.ts';
import { runFromCommandLine } from './driver.ts';
import { Mutator } from './mutator.ts';

const SEEDS: readonly string[] = [
  'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    metadata:\n      # c\n      labels:\n        app: web\n    spec:\n      containers:\n      - name: a # b\n',
  '---\nkind: Pod\napiVersion: v1\nmetadata:\n  name: a\n  annotations:\n    note: |\n      text\n\n    linkerd.io/inject: ingress\nspec: {containers: [{name: a}]}\n...\n---\nkind: Namespace\napiVersion: v1\nmetadata:\n  name: shop\n',
  '{"kind":"List","apiVersion":"v1","items":[{"kind":"Pod","apiVersion":"v1","metadata":{"annotations":{},"labels":{"a":"b"}},"spec":{"containers":[{"name":"a"}]}}]}',
  'kind: Job\napiVersion: batch/v1\nspec:\n  template: &t\n    metadata: &m\n      annotations: {\n        a: b, # c\n        d: e\n      }\n    spec: {containers: [{name: a}]}\nother: *t\n',
  'kind: CronJob\r\napiVersion: batch/v1\r\nspec:\r\n  jobTemplate:\r\n    spec:\r\n      template:\r\n        metadata:\r\n          annotations:\r\n        spec:\r\n          containers:\r\n            - name: a',
];

const PIECES: readonly string[] = [
  ...[
    ':',
    ': ',
    '{',
    '}',
    '{}',
    '[',
    ']',
    ',',
    '"',
    "'",
    '#',
    ' # c',
    '|',
    '>-',
    '|+',
    '~',
    'null',
    '? ',
    '- ',
    '-',
    '!!str ',
    '!x ',
    '&a ',
    '*a',
    '*m',
    '<<: *m',
  ],
  ...['\n', '\r\n', '\r', '\t', ' ', '  ', '\n    ', '\n\n', '---\n', '...\n', '%YAML 1.1\n', '\ufeff'],
  ...[
    'metadata:',
    'annotations:',
    'annotations: {}',
    'labels',
    'linkerd.io/inject: enabled',
    'linkerd.io/inject',
    'enabled',
    '__proto__',
    'kind: Pod',
  ],
];

const WISH = { mode: null, annotations: { 'config.linkerd.io/opaque-ports': '3306' } };

export class Fuzzer {
  readonly #mutator: Mutator;

  constructor(seed: number) {
    this.#mutator = new Mutator(seed);
  }

  next(): string {
    return this.#mutator.text(this.#mutator.pick(SEEDS), PIECES);
  }
}

export function check(text: string): void {
  try {
    const before = partsOf(text, 'text');
    const { text: injected, plans } = rewriteText({ origin: 'text', text }, (part, all) =>
      planInjection(part, all, WISH),
    );
    partsOf(injected, 'text').forEach((part, index) => {
      if (part === 'no kind' || plans[index]!.outcome !== 'injected') return;
      const role = roleOf(part.value);
      const made = role.type === 'pods' ? podOf(part.value, role.path) : part.value;
      const wish = readMeta(made).annotations['linkerd.io/inject'];
      if (wish !== 'enabled' && wish !== 'ingress') throw new Error(`is not injected: ${wish}`);
    });
    const { text: restored } = rewriteText({ origin: 'text', text: injected }, planRemoval);
    partsOf(restored, 'text').forEach((part, index) => {
      const old = before[index]!;
      if (part === 'no kind' || old === 'no kind') return;
      if (!isSameObject(bare(part.value), bare(old.value))) throw new Error('is not restored');
    });
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'WEFT_CLI_MANIFEST') throw error;
  }
}

/** Without what injection writes, and the setting that was wished for. */
function bare(value: unknown): unknown {
  const role = roleOf(value);
  const path = role.type === 'pods' ? role.path : [];
  const isTaken = (key: string, old: unknown) => isOfInjection('annotations', key, old) || key in WISH.annotations;
  const without = withoutEntries(value, [...path, 'metadata', 'annotations'], isTaken);
  if (role.type !== 'pods') return without;
  return withoutEntries(without, [...path, 'metadata', 'labels'], (key, old) => isOfInjection('labels', key, old));
}

if (import.meta.main) runFromCommandLine('manifests', (seed) => new Fuzzer(seed), check);
