import { child, textOf } from '../crds/parse/metadata.ts';
import type { Problem } from '../crds/types/problem.ts';
import { isObject } from '../lib/json.ts';
import { ControlPlaneError } from '../proxy-image/contract/control-plane-errors.ts';
import { parseHostileJson } from './hostile-json.ts';
import type { AddOperation } from './json-patch.ts';

/** admission.k8s.io/v1 `request`, as far as the webhooks read it. */
export interface AdmissionRequest {
  uid: string;
  operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  group: string;
  version: string;
  kind: string;
  namespace: string;
  name: string;
  dryRun: boolean;
  /** The object as it would be stored, unchecked, without prototypes; never null. */
  object: unknown;
  /** Before an UPDATE; null otherwise. */
  oldObject: unknown;
}

export interface Answer {
  allowed: boolean;
  /** Refusal: every problem, with field paths. */
  problems: readonly Problem[];
  /** Refusal for another reason than a field. */
  message: string;
  warnings: readonly string[];
  patch: readonly AddOperation[];
}

export const ALLOWED: Answer = { allowed: true, problems: [], message: '', warnings: [], patch: [] };

const OPERATIONS = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const;
const MAX_UID_LENGTH = 128;

/** The uid could be read, so the refusal can be an answer rather than an HTTP error. */
export class UnusableReview extends ControlPlaneError {
  readonly uid: string;
  constructor(uid: string, detail: string) {
    super('WEFT_WEBHOOK_REVIEW', detail);
    this.uid = uid;
  }
}

/**
 * Reads an AdmissionReview, strictly.
 * @throws ControlPlaneError WEFT_WEBHOOK_REVIEW or WEFT_WEBHOOK_LIMIT; `UnusableReview` where there is a uid to answer to
 */
export function decodeReview(body: Uint8Array): AdmissionRequest {
  const review = parseHostileJson(body);
  if (textOf(review, 'apiVersion') !== 'admission.k8s.io/v1' || textOf(review, 'kind') !== 'AdmissionReview') {
    throw new ControlPlaneError('WEFT_WEBHOOK_REVIEW', 'it is no AdmissionReview of admission.k8s.io/v1');
  }
  const request = child(review, 'request');
  const uid = textOf(request, 'uid');
  if (uid === '' || uid.length > MAX_UID_LENGTH)
    throw new ControlPlaneError('WEFT_WEBHOOK_REVIEW', 'it has no request with a uid');
  const operation = OPERATIONS.find((candidate) => candidate === textOf(request, 'operation'));
  if (operation === undefined) throw new UnusableReview(uid, 'request.operation is not known');
  const object = child(request, 'object');
  if (!isObject(object)) throw new UnusableReview(uid, 'request.object is not an object');
  const kind = child(request, 'kind');
  return {
    uid,
    operation,
    group: textOf(kind, 'group'),
    version: textOf(kind, 'version'),
    kind: textOf(kind, 'kind'),
    namespace: textOf(request, 'namespace'),
    name: textOf(request, 'name'),
    dryRun: child(request, 'dryRun') === true,
    object,
    oldObject: child(request, 'oldObject') ?? null,
  };
}

/** Warnings longer than this are cut by clients (Kubernetes: admission responses, 256 characters each). */
const MAX_WARNING_LENGTH = 256;
/** The API server keeps 4096 characters of warnings in all. */
const MAX_WARNINGS = 16;

/** The AdmissionReview that answers `uid`. */
export function encodeReview(uid: string, answer: Answer, request: AdmissionRequest | null): string {
  const response: Record<string, unknown> = { uid, allowed: answer.allowed };
  if (answer.warnings.length > 0) response['warnings'] = cutWarnings(answer.warnings);
  if (answer.allowed && answer.patch.length > 0) {
    response['patchType'] = 'JSONPatch';
    response['patch'] = Buffer.from(JSON.stringify(answer.patch)).toString('base64');
  }
  if (!answer.allowed) response['status'] = statusOf(answer, request);
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response });
}

function cutWarnings(warnings: readonly string[]): string[] {
  const shown = warnings.length > MAX_WARNINGS ? warnings.slice(0, MAX_WARNINGS - 1) : [...warnings];
  if (shown.length < warnings.length) shown.push(`and ${warnings.length - shown.length} more`);
  return shown.map((text) => (text.length > MAX_WARNING_LENGTH ? `${text.slice(0, MAX_WARNING_LENGTH - 1)}…` : text));
}

/** As the API server itself refuses an invalid object: 422, with a cause for every field. */
function statusOf(answer: Answer, request: AdmissionRequest | null): object {
  if (answer.problems.length === 0) {
    return { status: 'Failure', reason: 'BadRequest', code: 400, message: answer.message };
  }
  const causes = answer.problems.map(({ path, message }) => ({ reason: 'FieldValueInvalid', field: path, message }));
  const message = answer.problems.map(describe).join('; ');
  const details = { group: request?.group, kind: request?.kind, name: request?.name, causes };
  return { status: 'Failure', reason: 'Invalid', code: 422, message, details };
}

/** One line for people: the path, then what is wrong with it. */
export function describe({ path, message }: Problem): string {
  return path === '' ? message : `${path}: ${message}`;
}
