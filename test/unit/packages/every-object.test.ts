import { expect } from 'chai';
import { keyOf } from '../../../cli/install/object.ts';
import { everyObject, installation } from '../../../cli/install/objects.ts';
import { objectPath } from '../../../cli/install/resources.ts';
import { SOURCES } from '../../../cli/install/sources.ts';
import { MATRIX } from '../../integration/packages/matrix.ts';

describe('what there may be of an installation', () => {
  const { controlPlane } = everyObject(SOURCES);

  it('is every object that any values ask for, once: all of it is removed, and looked for by weft check', () => {
    const keys = controlPlane.map(keyOf);
    expect(new Set(keys).size).to.equal(keys.length);
    for (const values of MATRIX) {
      const missing = installation(SOURCES, values).controlPlane.filter((object) => !keys.includes(keyOf(object)));
      expect(missing.map(keyOf), JSON.stringify(values)).to.deep.equal([]);
    }
  });

  it('begins with what an installation without values is, and has a place in the API each', () => {
    const plain = installation(SOURCES, {}).controlPlane;
    expect(controlPlane.slice(0, plain.length)).to.deep.equal(plain);
    for (const object of controlPlane) expect(objectPath(object)).to.match(/^\/apis?\/.*\/[a-z0-9.-]+$/);
  });
});
