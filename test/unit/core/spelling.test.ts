import { expect } from 'chai';
import fc from 'fast-check';
import { lenientPath } from '../../../proxy-image/core/policy/spelling.ts';

describe('the path as a lenient application would read it', () => {
  for (const path of ['/', '/admin', '/a/b/', '/a.b/c..d', '/~user/(x)*']) {
    it(`${path} has no other spelling`, () => {
      expect(lenientPath(path)).to.equal(path);
    });
  }

  for (const [written, read] of [
    ['//admin', '/admin'],
    ['/./admin', '/admin'],
    ['/x/../admin', '/admin'],
    ['/../../admin', '/admin'],
    ['/x/%2e%2E/admin', '/admin'],
    ['/%61dmin', '/admin'],
    ['/admin%2fusers', '/admin/users'],
    ['/admin%5Cusers', '/admin/users'],
    ['/x\\..\\admin', '/admin'],
    ['/admin;v=1/users;w', '/admin/users'],
    ['/x/..;/admin', '/admin'],
    ['/admin%3bv=1', '/admin'],
    ['/admin/.', '/admin/'],
    ['/admin/x/..', '/admin/'],
    ['/.', '/'],
    ['/..', '/'],
    ['/.well-known/x', '/.well-known/x'],
    ['/%2561dmin', '/%61dmin'],
    ['/%C3%A4', '/\xc3\xa4'],
  ] as const) {
    it(`${written} is read as ${read}`, () => {
      expect(lenientPath(written)).to.equal(read);
    });
  }

  for (const path of ['/%', '/%2', '/%zz', '/a%00b', '/%+1', '/% 1', '/%0x']) {
    it(`${path} is not read at all`, () => {
      expect(lenientPath(path)).to.equal(null);
    });
  }

  it('what it has read, without escapes, it reads as the same again', () => {
    const piece = fc.constantFrom(
      '/',
      '//',
      '.',
      '..',
      'a',
      'admin',
      ';',
      ';v=1',
      '\\',
      '%2f',
      '%2e',
      '%5c',
      '%3B',
      '%41',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const read = lenientPath(`/${pieces.join('')}`);
        expect(read).to.be.a('string');
        expect(lenientPath(read!)).to.equal(read);
        expect(`${read}/`).not.to.match(/\/\/.|\/\.{1,2}\/|[;\\%]/);
      }),
      { seed: 12, numRuns: 2000 },
    );
  });
});
