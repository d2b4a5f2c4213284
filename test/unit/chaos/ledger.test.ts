import { expect } from 'chai';
import { Ledger } from '../../chaos/ledger.ts';

const LEASE = '/apis/coordination.k8s.io/v1/namespaces/weft-system/leases/weft-operator';
const OBJECT = '/apis/policy.linkerd.io/v1beta3/namespaces/n/servers/web';
const OPERATORS = new Set(['a', 'b']);

function held(ledger: Ledger, holder: string, revision: number): void {
  const answer = {
    metadata: { name: 'weft-operator', resourceVersion: String(revision) },
    spec: { holderIdentity: holder },
  };
  ledger.note(holder, 'PUT', LEASE, {}, answer);
}

function wrote(ledger: Ledger, author: string, revision: number, path = `${OBJECT}/status`): void {
  ledger.note(author, 'PATCH', path, {}, { metadata: { name: 'web', resourceVersion: String(revision) } });
}

function unlawful(ledger: Ledger): string[] {
  return ledger.writesWithoutLease(OPERATORS).map(({ author, revision }) => `${author} ${revision}`);
}

describe('ledger of writes', () => {
  it('finds what an operator wrote while another one held the lease, in the order of revisions and not of answers', () => {
    const ledger = new Ledger();
    held(ledger, 'a', 10);
    wrote(ledger, 'a', 11);
    wrote(ledger, 'a', 21);
    held(ledger, 'b', 20);
    wrote(ledger, 'b', 22);
    expect(unlawful(ledger)).to.deep.equal(['a 21']);
    expect(ledger.holderAt(19n)).to.equal('a');
    expect(ledger.holderAt(20n)).to.equal('b');
  });

  it('takes an answer with the revision of somebody else for what it is: nothing was written', () => {
    const ledger = new Ledger();
    held(ledger, 'a', 10);
    wrote(ledger, 'user', 11, OBJECT);
    wrote(ledger, 'b', 11);
    wrote(ledger, 'b', 12);
    wrote(ledger, 'a', 12);
    expect(unlawful(ledger)).to.deep.equal([]);
  });

  it('takes an answer with a revision from before it was cleared for nothing written', () => {
    const ledger = new Ledger();
    held(ledger, 'a', 10);
    wrote(ledger, 'a', 11);
    ledger.clear();
    held(ledger, 'a', 10);
    wrote(ledger, 'b', 11);
    expect(unlawful(ledger)).to.deep.equal([]);
    wrote(ledger, 'b', 12);
    expect(unlawful(ledger)).to.deep.equal(['b 12']);
  });

  it('leaves alone what anybody may write: Events and questions', () => {
    const ledger = new Ledger();
    held(ledger, 'a', 10);
    wrote(ledger, 'b', 11, '/apis/events.k8s.io/v1/namespaces/n/events/x');
    expect(unlawful(ledger)).to.deep.equal([]);
  });

  it('knows which writes were bound to a version', () => {
    const ledger = new Ledger();
    held(ledger, 'a', 10);
    const answer = { metadata: { name: 'web', resourceVersion: '12' } };
    ledger.note('b', 'PATCH', `${OBJECT}/status`, { metadata: { resourceVersion: '9' } }, answer);
    expect(ledger.writesWithoutLease(OPERATORS)).to.have.length(1);
    expect(ledger.entries[1]).to.include({ isConditional: true, object: OBJECT, subresource: 'status' });
  });
});
