import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { CATEGORIES } from '../../cli/check/registry.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'docs', 'checks');

describe('codes of weft check', () => {
  const categories = [...new Set(Object.values(CATEGORIES).flat())];
  const checks = categories.flatMap(({ name, checks: rows }) => rows.map((check) => ({ category: name, ...check })));

  it('name one kind of fault each', () => {
    const codes = checks.map(({ code }) => code);
    expect(new Set(codes).size).to.equal(codes.length);
    for (const code of codes) expect(code).to.match(/^[a-z]+(-[a-z0-9]+)*$/);
    const names = categories.map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
  });

  it('have a page each, with what it means, why it matters and what to do; no page is without a code', () => {
    const pages = readdirSync(FOLDER).filter((name) => name !== 'README.md');
    expect(pages.sort()).to.deep.equal(checks.map(({ code }) => `${code}.md`).sort());
    for (const { code, category, severity, description } of checks) {
      const text = readFileSync(join(FOLDER, `${code}.md`), 'utf8');
      const kind = severity === 'error' ? 'Error' : 'Warning';
      expect(text.split('\n').slice(0, 3)).to.deep.equal([
        `# ${code}`,
        '',
        `${kind} of \`${category}\`: *${description}* does not hold.`,
      ]);
      expect(text, code).to.match(
        /\n\n[A-Z`].{25,}\n\n\*\*Why it matters\.\*\* .{10,}\n\n\*\*What to do\.\*\* .{20,}\n$/s,
      );
    }
  });

  it('are listed in docs/checks/README.md, in the order in which they are checked', () => {
    const rows = [
      ...readFileSync(join(FOLDER, 'README.md'), 'utf8').matchAll(
        /^\| \[([a-z0-9-]+)\]\(\1\.md\) \| (\S+) \| (\S+) \| (.*) \|$/gm,
      ),
    ];
    expect(rows.map(([, ...cells]) => cells).sort()).to.deep.equal(
      checks.map(({ code, category, severity, description }) => [code, category, severity, description]).sort(),
    );
  });
});
