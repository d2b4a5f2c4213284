import { expect } from 'chai';
import { addressesOf } from '../../wire/addresses.ts';
import { CLIENTS } from '../../wire/world.ts';

const pod = (namespace: string, name: string, podIP?: string) => ({
  metadata: { name, namespace },
  status: podIP === undefined ? {} : { podIP },
});

describe('addresses of the pods that ask, in the rows on the wire', () => {
  it("are those of the rows' own pods, whoever else has a pod of that name", () => {
    const { pod: name, namespace } = CLIENTS.outsider;
    const ipOf = addressesOf([pod('outside', name, '10.0.0.1'), pod(namespace, name, '10.0.0.2')]);
    expect(ipOf('outsider')).to.equal('10.0.0.2');
  });

  it('are never empty: a row would be about nobody', () => {
    const { pod: name, namespace } = CLIENTS.one;
    expect(() => addressesOf([])('one')).to.throw(`pod ${namespace}/${name} has no address`);
    expect(() => addressesOf([pod(namespace, name)])('one')).to.throw('has no address');
  });
});
