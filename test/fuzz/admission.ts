/** Fuzzes the webhooks: admission reviews as bytes, injection of hostile pods with the JSON Patch applied, validation. Nothing but coded errors is thrown. */
import { CodedError } from '../../proxy-image/contract/errors.ts';
import { inject } from '../../webhooks/inject/patch.ts';
import { pointer } from '../../webhooks/json-patch.ts';
import { type AdmissionRequest, ALLOWED, decodeReview, encodeReview } from '../../webhooks/review.ts';
import { validate } from '../../webhooks/validate/validate.ts';
import { loadCorpus } from '../golden/corpus.ts';
import { applyPatch } from '../support/json-patch.ts';
import { injectionInput, webPod } from '../support/pods.ts';
import { runFromCommandLine } from './driver.ts';
import { Mutator } from './mutator.ts';

const ANNOTATIONS = {
  'linkerd.io/inject': 'enabled',
  'config.linkerd.io/proxy-cpu-limit': '100m',
  'config.linkerd.io/opaque-ports': '25,3306-3310,http',
  'config.linkerd.io/skip-outbound-ports': '4222',
  'config.linkerd.io/skip-subnets': '10.0.0.0/8',
  'config.linkerd.io/proxy-log-level': 'warn',
  'config.linkerd.io/default-inbound-policy': 'all-authenticated',
  'config.alpha.linkerd.io/proxy-wait-before-exit-seconds': '5',
};
const PODS: readonly unknown[] = [
  webPod(),
  webPod({
    metadata: { annotations: ANNOTATIONS, labels: undefined },
    spec: { volumes: [{ name: 'v' }], initContainers: [{ name: 'i' }] },
  }),
  webPod({ spec: { securityContext: { runAsUser: 2102 }, hostNetwork: true, automountServiceAccountToken: false } }),
];
const MANIFESTS = [...loadCorpus('accepted'), ...loadCorpus('rejected')].map(({ object }) => object);

function reviewOf(object: unknown, group: string, kind: string, operation: string): unknown {
  const request = {
    uid: 'u-1',
    operation,
    kind: { group, version: 'v1', kind },
    namespace: 'shop',
    name: 'web',
    object,
    oldObject: object,
  };
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request };
}

const PIECES: readonly string[] = [
  '{',
  '[',
  '"',
  '\\',
  '\0',
  '\xff',
  '\xc3\x28',
  '"__proto__":{},',
  '['.repeat(120),
  '{"a":'.repeat(120),
  'null',
  '1e999',
  '\\ud800',
];

export interface FuzzInput {
  review: string;
  /** Beside the pod's own. */
  namespaceAnnotations: string;
  token: string;
}

export class Fuzzer {
  readonly #mutator: Mutator;

  constructor(seed: number) {
    this.#mutator = new Mutator(seed);
  }

  next(): FuzzInput {
    const mutator = this.#mutator;
    const review = mutator.json(this.#review(), 4);
    return {
      review: mutator.chance(4) ? mutator.text(review, PIECES, 2) : review,
      namespaceAnnotations: mutator.json(ANNOTATIONS, 3),
      token: mutator.text('a/b~c', ['/', '~', '~0', '~1', '', '-', '\0'], 3),
    };
  }

  #review(): unknown {
    const operation = this.#mutator.pick(['CREATE', 'UPDATE', 'DELETE']);
    if (this.#mutator.chance(2)) return reviewOf(this.#mutator.pick(PODS), '', 'Pod', operation);
    const manifest = this.#mutator.pick(MANIFESTS);
    return reviewOf(manifest, manifest.apiVersion.split('/')[0]!, manifest.kind, operation);
  }
}

export function check({ review, namespaceAnnotations, token }: FuzzInput): void {
  checkPointer(token);
  const request = decoded(Buffer.from(review, 'latin1'));
  if (request === null) return;
  checkAnswer(encodeReview(request.uid, validate(request), request), request.uid);
  checkInjection(request, annotationsOf(namespaceAnnotations));
  if ('polluted' in {}) throw new Error('the prototype of all objects is polluted');
}

function decoded(body: Buffer): AdmissionRequest | null {
  try {
    return decodeReview(body);
  } catch (error) {
    if (error instanceof CodedError && /^WEFT_WEBHOOK_(REVIEW|LIMIT)$/.test(error.code)) return null;
    throw error;
  }
}

/** As the API server validates them before anybody sees them: texts by name. */
function annotationsOf(text: string): Record<string, string> {
  const value: unknown = JSON.parse(text);
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

function checkInjection(request: AdmissionRequest, namespaceAnnotations: Record<string, string>): void {
  const input = injectionInput({ pod: request.object, namespace: request.namespace, namespaceAnnotations });
  const { patch, warnings } = inject(input);
  if (JSON.stringify(inject(input).patch) !== JSON.stringify(patch)) throw new Error('another patch for the same pod');
  applyPatch(JSON.parse(JSON.stringify(request.object)), patch);
  checkAnswer(encodeReview(request.uid, { ...ALLOWED, patch, warnings }, request), request.uid);
}

function checkAnswer(text: string, uid: string): void {
  const { response } = JSON.parse(text) as { response: { uid: string; allowed: boolean; warnings?: string[] } };
  if (response.uid !== uid || typeof response.allowed !== 'boolean')
    throw new Error(`no answer: ${text.slice(0, 200)}`);
  if ((response.warnings ?? []).some((warning) => warning.length > 256))
    throw new Error('a warning that is cut by clients');
}

/** A token written into a pointer is read back by RFC 6901. */
function checkPointer(token: string): void {
  const patched = applyPatch({}, [{ op: 'add', path: pointer(token), value: 1 }]) as Record<string, unknown>;
  const expected = Object.fromEntries([[token, 1]]);
  if (JSON.stringify(patched) !== JSON.stringify(expected)) throw new Error(`another key: ${JSON.stringify(patched)}`);
}

if (import.meta.main) runFromCommandLine('admission', (seed) => new Fuzzer(seed), check);
