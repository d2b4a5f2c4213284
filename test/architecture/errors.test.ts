import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ERRORS } from '../../proxy-image/contract/errors.ts';

const DOCUMENT = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'errors.md'), 'utf8');

describe('error catalogue', () => {
  const documented = [...DOCUMENT.matchAll(/^\| `(WEFT_[A-Z0-9_]+)` \|/gm)].map((match) => match[1]!);

  it('is listed in docs/errors.md, code by code', () => {
    expect([...documented].sort()).to.deep.equal(Object.keys(ERRORS).sort());
  });

  it('says for every code what to check next', () => {
    for (const [code, entry] of Object.entries(ERRORS)) {
      expect(entry.message, code).to.match(/\S.{8,}/);
      expect(entry.next, code).to.match(/\S.{8,}/);
    }
  });
});
