import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { ANNOTATION, UNSUPPORTED } from '../../../../crds/annotations/injection.ts';

describe('docs/injection.md', () => {
  const text = readFileSync(new URL('../../../../docs/injection.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name).filter((name) => name?.includes('/'));

  it('has a row for every annotation that takes effect, and for no other', () => {
    expect(rows).to.have.members(Object.values(ANNOTATION));
  });

  it('names every annotation of Linkerd that has no effect', () => {
    const after = text.slice(text.indexOf('have no effect here'));
    const named = [...after.matchAll(/`(config\.[^`]+)`/g)].map(([, name]) => name);
    expect(named).to.have.members(UNSUPPORTED);
  });
});
