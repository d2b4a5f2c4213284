import { expect } from 'chai';
import type { ResponseMatch } from '../../../proxy-image/contract/policy/response-class.ts';
import { isFailure } from '../../../proxy-image/core/classify/classify.ts';
import { request, route, routeTable } from './fixtures.ts';

const status = (min: number, max = min): ResponseMatch => ({ type: 'status', min, max });

function classified(classes: { match: ResponseMatch; isFailure: boolean }[]) {
  return routeTable(route('a', '/a', { responseClasses: classes })).match(request('GET', '/a'));
}

describe('classification', () => {
  it('counts 5xx as failures by default', () => {
    const plain = classified([]);
    expect([200, 404, 499, 500, 503, 599].map((code) => isFailure(plain, code))).to.deep.equal([
      false,
      false,
      false,
      true,
      true,
      true,
    ]);
  });

  it('lets the first matching class decide', () => {
    const entry = classified([
      { match: status(500), isFailure: false },
      { match: status(404, 500), isFailure: true },
    ]);
    expect([403, 404, 500, 501].map((code) => isFailure(entry, code))).to.deep.equal([false, true, false, true]);
  });

  it('understands all, any, not', () => {
    const entry = classified([
      { match: { type: 'all', of: [status(400, 499), { type: 'not', of: status(404) }] }, isFailure: true },
      { match: { type: 'any', of: [status(502), status(503)] }, isFailure: false },
    ]);
    expect([400, 404, 500, 502, 503].map((code) => isFailure(entry, code))).to.deep.equal([
      true,
      false,
      true,
      false,
      false,
    ]);
  });

  it('reads the gRPC status where there is one and no class matched', () => {
    const plain = classified([]);
    const failures = Array.from({ length: 17 }, (_, code) => code).filter((code) => isFailure(plain, 200, code));
    expect(failures).to.deep.equal([2, 4, 7, 13, 14, 15]);
    expect(isFailure(classified([{ match: status(200), isFailure: false }]), 200, 14)).to.equal(false);
  });
});
