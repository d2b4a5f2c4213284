import { expect } from 'chai';
import { importMutated, MUTANTS } from './mutants.ts';
import { scenarios } from './scenarios.ts';

type World = typeof import('./world.ts');

const WORLD = new URL('world.ts', import.meta.url);

/** That the table of authorization sees mistakes: with one line of the product changed, some row of it differs. */
describe('a mistake in policy', () => {
  const rows = scenarios(400, 12);

  it('and nothing is where there is none', async function () {
    this.timeout(30_000);
    const [{ file, line }] = MUTANTS;
    const { mismatches } = await importMutated<World>(WORLD, { file, line, instead: line }, MUTANTS.length);
    expect(mismatches(rows, 1).found).to.deep.equal([]);
  });

  for (const [number, mutant] of MUTANTS.entries()) {
    it(`is found: ${mutant.file}, ${mutant.line} → ${mutant.instead || 'nothing'}`, async function () {
      this.timeout(30_000);
      const { mismatches } = await importMutated<World>(WORLD, mutant, number);
      expect(mismatches(rows, 1).found).to.not.have.length(0);
    });
  }
});
