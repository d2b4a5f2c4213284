import { expect } from 'chai';
import { CodedError } from '../../../proxy-image/contract/errors.ts';
import { MAX_DEPTH, parseHostileJson } from '../../../webhooks/hostile-json.ts';
import {
  type AdmissionRequest,
  ALLOWED,
  decodeReview,
  describe as describeProblem,
  encodeReview,
  UnusableReview,
} from '../../../webhooks/review.ts';

const REQUEST = {
  uid: 'b1c2',
  kind: { group: '', version: 'v1', kind: 'Pod' },
  operation: 'CREATE',
  namespace: 'shop',
  name: 'web',
  dryRun: true,
  object: { metadata: { name: 'web' } },
};

function review(request: unknown, envelope: Record<string, unknown> = {}): Buffer {
  return Buffer.from(
    JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request, ...envelope }),
  );
}

/** The code of the error; `answerable` when there is a uid to answer to. */
function refusal(body: Uint8Array | string): string {
  try {
    decodeReview(typeof body === 'string' ? Buffer.from(body) : body);
  } catch (error) {
    if (error instanceof UnusableReview) return `answerable ${error.uid}`;
    if (error instanceof CodedError) return error.code;
    throw error;
  }
  throw new Error('the review was accepted');
}

function decoded(changes: Record<string, unknown> = {}): AdmissionRequest {
  return decodeReview(review({ ...REQUEST, ...changes }));
}

describe('admission review', () => {
  it('is read field by field', () => {
    const request = decoded();
    expect({ ...request, object: null }).to.deep.equal({
      uid: 'b1c2',
      operation: 'CREATE',
      group: '',
      version: 'v1',
      kind: 'Pod',
      namespace: 'shop',
      name: 'web',
      dryRun: true,
      object: null,
      oldObject: null,
    });
    expect(JSON.stringify(request.object)).to.equal('{"metadata":{"name":"web"}}');
    expect(decoded({ dryRun: undefined }).dryRun).to.equal(false);
    expect(decoded({ dryRun: 'true' }).dryRun).to.equal(false);
  });

  const rows: [string, Uint8Array | string, string][] = [
    ['an empty body', '', 'WEFT_WEBHOOK_REVIEW'],
    ['no JSON', 'apiVersion: v1', 'WEFT_WEBHOOK_REVIEW'],
    ['bytes that are not UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'WEFT_WEBHOOK_REVIEW'],
    ['null', 'null', 'WEFT_WEBHOOK_REVIEW'],
    ['a list', '[]', 'WEFT_WEBHOOK_REVIEW'],
    ['a number', '1', 'WEFT_WEBHOOK_REVIEW'],
    ['no request', review(undefined), 'WEFT_WEBHOOK_REVIEW'],
    ['a null request', review(null), 'WEFT_WEBHOOK_REVIEW'],
    ['a request that is a list', review([]), 'WEFT_WEBHOOK_REVIEW'],
    ['apiVersion v1beta1', review(REQUEST, { apiVersion: 'admission.k8s.io/v1beta1' }), 'WEFT_WEBHOOK_REVIEW'],
    ['no apiVersion', review(REQUEST, { apiVersion: undefined }), 'WEFT_WEBHOOK_REVIEW'],
    ['another kind', review(REQUEST, { kind: 'Pod' }), 'WEFT_WEBHOOK_REVIEW'],
    ['no uid', review({ ...REQUEST, uid: undefined }), 'WEFT_WEBHOOK_REVIEW'],
    ['an empty uid', review({ ...REQUEST, uid: '' }), 'WEFT_WEBHOOK_REVIEW'],
    ['a uid that is a number', review({ ...REQUEST, uid: 5 }), 'WEFT_WEBHOOK_REVIEW'],
    ['a uid without end', review({ ...REQUEST, uid: 'x'.repeat(1_000) }), 'WEFT_WEBHOOK_REVIEW'],
    ['no operation', review({ ...REQUEST, operation: undefined }), 'answerable b1c2'],
    ['an unknown operation', review({ ...REQUEST, operation: 'PATCH' }), 'answerable b1c2'],
    ['a null object', review({ ...REQUEST, object: null }), 'answerable b1c2'],
    ['oldObject only', review({ ...REQUEST, object: undefined, oldObject: {} }), 'answerable b1c2'],
    ['an object that is a list', review({ ...REQUEST, object: [] }), 'answerable b1c2'],
    ['an object that is text', review({ ...REQUEST, object: '{}' }), 'answerable b1c2'],
  ];
  for (const [name, body, expected] of rows) {
    it(`E1: ${name} is refused`, () => {
      expect(refusal(body)).to.equal(expected);
    });
  }

  it('E2: ten thousand levels of JSON are refused before anything is built', () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      const deep = open.repeat(10_000) + (open === '[' ? '' : '1') + close.repeat(10_000);
      expect(refusal(deep)).to.equal('WEFT_WEBHOOK_LIMIT');
      expect(refusal(open.repeat(5_000_000))).to.equal('WEFT_WEBHOOK_LIMIT');
    }
  });

  it('E2: the depth is counted by brackets, not by brackets in texts', () => {
    const nest = (levels: number) => Buffer.from('['.repeat(levels) + ']'.repeat(levels));
    expect(() => parseHostileJson(nest(MAX_DEPTH))).not.to.throw();
    expect(() => parseHostileJson(nest(MAX_DEPTH + 1))).to.throw(/levels/);
    const texts = JSON.stringify({ a: '[{'.repeat(10_000), 'b"[{': '\\"[[[['.repeat(1_000) });
    expect(() => parseHostileJson(Buffer.from(texts))).not.to.throw();
    const siblings = JSON.stringify(Array.from({ length: 100_000 }, () => [{}]));
    expect(() => parseHostileJson(Buffer.from(siblings))).not.to.throw();
  });

  it('E2: keys such as __proto__ and constructor pollute nothing and mean nothing', () => {
    const body =
      '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","__proto__":{"polluted":1},' +
      '"request":{"uid":"u","operation":"CREATE","kind":{"kind":"Pod"},"__proto__":{"dryRun":true},' +
      '"object":{"constructor":{"prototype":{"polluted":1}},"__proto__":{"spec":{"hostNetwork":true}}}}}';
    const request = decodeReview(Buffer.from(body));
    expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined);
    expect(request.dryRun).to.equal(false);
    expect(Object.getPrototypeOf(request.object)).to.equal(null);
    expect((request.object as Record<string, unknown>)['spec']).to.equal(undefined);
    expect(Object.keys(request.object as object)).to.deep.equal(['constructor', '__proto__']);
  });

  it('E2: of duplicate keys the last counts, once for all', () => {
    const body = review(REQUEST).toString().replace('"dryRun":true', '"dryRun":true,"dryRun":false');
    expect(decodeReview(Buffer.from(body)).dryRun).to.equal(false);
  });

  it('E2: an object of ten megabytes in a list without end is read in time', () => {
    const object = { list: Array.from({ length: 500_000 }, () => ({ a: 1 })) };
    const before = process.cpuUsage();
    expect(decoded({ object }).uid).to.equal('b1c2');
    expect(process.cpuUsage(before).user / 1_000, 'ms of CPU').to.be.lessThan(5_000);
  });
});

describe('admission answer', () => {
  const answered = (answer: Partial<typeof ALLOWED>, request: AdmissionRequest | null = decoded()) =>
    JSON.parse(encodeReview('b1c2', { ...ALLOWED, ...answer }, request));

  it('says yes with as little as there is to say', () => {
    expect(answered({})).to.deep.equal({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: 'b1c2', allowed: true },
    });
  });

  it('carries a patch as base64 of JSON', () => {
    const patch = [{ op: 'add' as const, path: '/metadata/labels', value: { a: 'é' } }];
    const { response } = answered({ patch });
    expect(response.patchType).to.equal('JSONPatch');
    expect(JSON.parse(Buffer.from(response.patch, 'base64').toString('utf8'))).to.deep.equal(patch);
    expect(answered({ patch, allowed: false, message: 'no' }).response).not.to.have.property('patch');
  });

  it('refuses as the API server refuses an invalid object: every field, with a code', () => {
    const problems = [
      { severity: 'error' as const, path: 'spec.routes[0].name', message: 'is required' },
      { severity: 'error' as const, path: '', message: 'must be an object' },
    ];
    expect(answered({ allowed: false, problems }).response.status).to.deep.equal({
      status: 'Failure',
      reason: 'Invalid',
      code: 422,
      message: 'spec.routes[0].name: is required; must be an object',
      details: {
        group: '',
        kind: 'Pod',
        name: 'web',
        causes: [
          { reason: 'FieldValueInvalid', field: 'spec.routes[0].name', message: 'is required' },
          { reason: 'FieldValueInvalid', field: '', message: 'must be an object' },
        ],
      },
    });
    expect(describeProblem(problems[0]!)).to.equal('spec.routes[0].name: is required');
  });

  it('refuses with a message where no field is to blame', () => {
    expect(answered({ allowed: false, message: 'why' }, null).response.status).to.deep.equal({
      status: 'Failure',
      reason: 'BadRequest',
      code: 400,
      message: 'why',
    });
  });
});
