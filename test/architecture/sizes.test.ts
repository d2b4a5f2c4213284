import { expect } from 'chai';
import { sourceFiles } from './sources.ts';

const MAX_LINES = 500;

describe('sizes', () => {
  it(`no file is longer than ${MAX_LINES} lines (functions: biome's noExcessiveLinesPerFunction)`, () => {
    const long = sourceFiles()
      .filter((file) => file.lines > MAX_LINES)
      .map((file) => `${file.path}: ${file.lines}`);
    expect(long).to.deep.equal([]);
  });
});
