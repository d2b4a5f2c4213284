import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

const FOLDER = join(import.meta.dirname, '..', '..', 'hack', 'adr');

describe('records of decisions', () => {
  it('have a number each, in the name of the file and in the title', () => {
    const names = readdirSync(FOLDER);
    const numbers = names.map((name) => Number(/^(\d{4})-[a-z0-9-]+\.md$/.exec(name)?.[1]));
    expect(new Set(numbers).size, names.join(' ')).to.equal(names.length);
    for (const [at, name] of names.entries()) {
      const title = readFileSync(join(FOLDER, name), 'utf8').split('\n', 1)[0]!;
      expect(title, name).to.match(new RegExp(`^# ${numbers[at]}\\. \\S`));
    }
  });
});
