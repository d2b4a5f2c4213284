import { expect } from 'chai';
import { lackOf, type Versions } from '../../../../cli/install/definitions.ts';
import { listed, namesOf } from '../../../../cli/install/injected.ts';

describe('installation', () => {
  const version = (name: string, fields: object = {}) => ({
    name,
    served: true,
    storage: false,
    subresources: { status: {} },
    ...fields,
  });
  const definition = (...versions: Versions['spec']['versions']): Versions => ({ spec: { versions } });
  const own = definition(version('v1beta1'), version('v1beta3', { storage: true }));

  it("misses nothing in a definition that serves the operator's version with a status, whatever it stores", () => {
    const foreign = definition(version('v1beta3'), version('v1beta1', { storage: true, subresources: undefined }));
    expect(lackOf(own, foreign)).to.deep.equal({ type: 'nothing' });
  });

  it('misses the status where only another version has one', () => {
    const foreign = definition(version('v1beta3', { subresources: {} }), version('v1beta1'));
    expect(lackOf(own, foreign)).to.deep.equal({ type: 'status', version: 'v1beta3' });
  });

  it('misses the version that is absent, or not served', () => {
    const absent = { type: 'version', version: 'v1beta3' };
    expect(lackOf(own, definition(version('v1beta1', { storage: true })))).to.deep.equal(absent);
    expect(lackOf(own, definition(version('v1beta3', { served: false })))).to.deep.equal(absent);
  });

  it('names pods with a proxy that have not ended, twenty at most', () => {
    const pod = (name: string, phase: string) => ({ metadata: { name, namespace: 'shop' }, status: { phase } });
    expect(
      namesOf([pod('b', 'Running'), pod('done', 'Succeeded'), pod('a', 'Pending'), pod('c', 'Failed')]),
    ).to.deep.equal(['shop/a', 'shop/b']);
    const many = Array.from({ length: 25 }, (_, i) => `shop/p${i}`);
    expect(listed(many)).to.match(/^shop\/p0, .*shop\/p19 and 5 more$/);
    expect(listed(['shop/a'])).to.equal('shop/a');
  });
});
