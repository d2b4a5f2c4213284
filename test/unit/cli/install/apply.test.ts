import { expect } from 'chai';
import { keepingReplicas, outcomeDiff } from '../../../../cli/install/apply.ts';
import { changes } from '../../../../cli/install/difference.ts';
import type { KubeObject, ManagedFields } from '../../../../cli/install/object.ts';
import { isRolledOut, until } from '../../../../cli/install/wait.ts';

function operator(spec: object, managedFields: ManagedFields[] = []): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'weft-operator', namespace: 'weft-system', managedFields },
    spec,
  };
}

describe('the number of replicas', () => {
  const sets = (manager: string, field = 'f:replicas'): ManagedFields => ({
    manager,
    fieldsV1: { 'f:spec': { [field]: {} } },
  });
  const wanted = operator({ replicas: 3, selector: {} });

  it('is left out where somebody else has set it, and nothing else is', () => {
    const kept = keepingReplicas(
      wanted,
      operator({ replicas: 5 }, [sets('weft-install', 'f:selector'), sets('kubectl')]),
    );
    expect(kept).to.deep.equal(operator({ selector: {} }));
    expect(wanted['spec']).to.deep.equal({ replicas: 3, selector: {} });
  });

  it('is applied where nobody has set it, where we have, and where there is no Deployment yet', () => {
    for (const present of [
      null,
      operator({ replicas: 1 }),
      operator({ replicas: 1 }, [sets('kubectl', 'f:template')]),
      operator({ replicas: 3 }, [sets('weft-install'), sets('kubectl')]),
    ]) {
      expect(keepingReplicas(wanted, present)).to.equal(wanted);
    }
  });
});

describe('what differs between two states of an object', () => {
  const container = (name: string, image: string) => ({ name, image });

  it('is named field by field, items of lists by their names', () => {
    const before = operator({ containers: [container('a', '1'), container('b', '1')], gone: true });
    const after = operator({ containers: [container('b', '2'), container('a', '1')], made: { of: ['x', 'y'] } });
    expect(changes(before, after)).to.deep.equal([
      { path: 'spec.containers[b].image', before: '1', after: '2' },
      { path: 'spec.made', before: null, after: '{"of":["x","y"]}' },
      { path: 'spec.gone', before: 'true', after: null },
    ]);
  });

  it('is nothing where only the API server has written, and not the same as a status', () => {
    const before = operator({ a: 1 }, [{ manager: 'x' }]);
    const after = { ...operator({ a: 1 }), status: { replicas: 1 } };
    after.metadata['resourceVersion'] = '2';
    expect(changes(before, after)).to.deep.equal([]);
  });

  it('is shown without anything that a terminal obeys', () => {
    const found = changes(operator({ a: 'plain' }), operator({ a: '\u001b[2J\u202eü' }));
    expect(found).to.deep.equal([{ path: 'spec.a', before: 'plain', after: '"\\u001b[2J\\u202e\\u00fc"' }]);
  });

  it('compares lists without names by position, and is printed as removed and added', () => {
    const object = operator({ args: ['a', 'c'] });
    const found = changes(operator({ args: ['a', 'b', 'd'] }), object);
    expect(outcomeDiff({ object, type: 'changed', changes: found })).to.deep.equal([
      '~ deployment/weft-operator in weft-system',
      '  - spec.args[1]: b',
      '  + spec.args[1]: c',
      '  - spec.args[2]: d',
    ]);
    expect(outcomeDiff({ object, type: 'unchanged', changes: [] })).to.deep.equal([]);
  });
});

describe('waiting for what was applied', () => {
  const deployed = (status: object, spec: object = { replicas: 2 }) => {
    const object: KubeObject = { ...operator(spec), status };
    object.metadata['generation'] = 4;
    return object;
  };
  const whole = { observedGeneration: 4, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };

  it('ends when every replica is new and available, and no old one is left', () => {
    expect(isRolledOut(deployed(whole))).to.equal(true);
    for (const lack of [{ observedGeneration: 3 }, { updatedReplicas: 1 }, { availableReplicas: 1 }, { replicas: 3 }]) {
      expect(isRolledOut(deployed({ ...whole, ...lack })), JSON.stringify(lack)).to.equal(false);
    }
    expect(isRolledOut(null)).to.equal(false);
    expect(isRolledOut(deployed({}))).to.equal(false);
  });

  it('asks until it is so, and names the object after the time limit', async () => {
    let nowMs = 0;
    let asked = 0;
    const waiting = {
      api: { get: async () => (++asked < 3 ? null : operator({})) },
      clock: { nowMs: () => nowMs },
      sleep: async (ms: number) => {
        nowMs += ms;
      },
    };
    await until(waiting, operator({}), 'there', 1_000, (found) => found !== null);
    expect(asked).to.equal(3);
    const late = await until(waiting, operator({}), 'gone', 1_000, (found) => found === null).catch(
      (error: unknown) => error,
    );
    expect(late).to.include({ code: 'WEFT_INSTALL_TIMEOUT' });
    expect(String(late)).to.contain('deployment/weft-operator in weft-system is not gone after 1 s');
  });
});
