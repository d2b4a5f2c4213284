import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { probeTarget } from '../../../../crds/kinds/pod/probe-target.ts';

/**
 * Written by Go 1.26: each path goes through `url.Parse` (what fails is taken as a path), the pod's host, `String`, `http.NewRequest` and
 * `Request.Write`, as in the kubelet; the first line that came out, one character per byte. `null`: no request to the pod.
 */
const SENT = JSON.parse(readFileSync(new URL('../../../golden/probe-targets.json', import.meta.url), 'utf8')) as [
  path: string,
  target: string | null,
][];

/** Texts with a user or a port before the path: Go drops them, we exempt nothing. */
const LEFT_ALONE = ['//a:80/b', '//user@a/b'];

describe('what the kubelet asks for', () => {
  for (const [path, target] of SENT) {
    const expected = LEFT_ALONE.includes(path) ? null : target;
    it(`${JSON.stringify(path)} becomes ${JSON.stringify(expected)}`, () => {
      expect(probeTarget(path)).to.equal(expected);
    });
  }

  it('is a target that starts with a slash, of one character per byte', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (path) => {
        const target = probeTarget(path);
        expect(target === null || /^\/[\0-\xff]*$/.test(target)).to.equal(true);
      }),
    );
  });
});
