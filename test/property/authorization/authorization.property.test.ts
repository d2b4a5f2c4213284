import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { expectedOfRequest } from './oracle.ts';
import { PORT, scenarios } from './scenarios.ts';
import { mismatches } from './world.ts';

const SEED = 12;
const SCENARIOS = 400;

describe('authorization, from objects of the API server to the decision of a proxy', () => {
  it('is what an oracle reads in the same objects, in thousands of generated rows', function () {
    this.timeout(60_000);
    const { rows, found } = mismatches(scenarios(SCENARIOS, SEED), 3);
    expect(found, JSON.stringify(found, null, 1)).to.deep.equal([]);
    expect(rows).to.be.at.least(3_000);
  });

  it('every verdict is among the rows, and often', () => {
    const counts = new Map<string, number>();
    for (const { objects, pod, asked } of scenarios(SCENARIOS, SEED)) {
      for (const each of asked) {
        const verdict = expectedOfRequest(objects, pod, PORT, each);
        counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
      }
    }
    for (const verdict of ['allowed', 'audit', 'probe', 'denied', 'no route']) {
      expect(counts.get(verdict), verdict).to.be.at.least(30);
    }
  });

  it('the oracle is short, and knows nothing of ours', () => {
    const text = readFileSync(new URL('oracle.ts', import.meta.url), 'utf8');
    expect(text.trimEnd().split('\n').length).to.be.at.most(200);
    expect(text).not.to.match(/^import|\bimport\(|require\(/m);
  });
});
