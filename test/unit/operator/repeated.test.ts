import { expect } from 'chai';
import { Repeated } from '../../../operator/runtime/repeated.ts';

describe('what is repeated in many objects', () => {
  it('is one record for all that say the same, and another for those that do not', () => {
    const repeated = new Repeated();
    const web = repeated.record({ app: 'web', tier: 'x' });
    expect(repeated.record({ app: 'web', tier: 'x' })).to.equal(web);
    expect(repeated.record({ app: 'web' })).not.to.equal(web);
    expect(repeated.record({ app: 'web', tier: 'y' })).to.deep.equal({ app: 'web', tier: 'y' });
    expect(repeated.text('shop')).to.equal('shop');
  });

  it('is forgotten when it does not come again, and kept while it does', () => {
    const repeated = new Repeated();
    const often = repeated.record({ app: 'often' });
    const once = repeated.record({ pod: 'once' });
    for (let at = 0; at < 20_000; at++) {
      repeated.record({ pod: `pod-${at}` });
      if (at % 1_000 === 0) repeated.record({ app: 'often' });
    }
    expect(repeated.record({ app: 'often' })).to.equal(often);
    expect(repeated.record({ pod: 'once' })).not.to.equal(once);
    expect(repeated.record({ pod: 'once' })).to.deep.equal(once);
  });
});
