import * as admission from '../../fuzz/admission.ts';
import * as bodies from '../../fuzz/bodies.ts';
import * as certificates from '../../fuzz/certificates.ts';
import * as descriptions from '../../fuzz/descriptions.ts';
import type { Inputs } from '../../fuzz/driver.ts';
import * as firstBytes from '../../fuzz/first-bytes.ts';
import * as manifests from '../../fuzz/manifests.ts';
import * as patterns from '../../fuzz/patterns.ts';
import * as resources from '../../fuzz/resources.ts';
import * as scalars from '../../fuzz/scalars.ts';
import * as stream from '../../fuzz/stream.ts';
import * as tap from '../../fuzz/tap.ts';
import * as traffic from '../../fuzz/traffic.ts';
import * as values from '../../fuzz/values.ts';

const FRAME = '\u0000\u0000\u0000\u000f{"type":"pong"}';

interface Target<I> {
  Fuzzer: new (seed: number) => Inputs<I>;
  check(input: I): void;
}

/** A short run with a fixed seed, and what longer runs have found, each once a defect. */
function target<I>(name: string, { Fuzzer, check }: Target<I>, count: number, findings: Record<string, I> = {}): void {
  describe(`D8: fuzz of ${name}`, () => {
    for (const [what, input] of Object.entries(findings)) it(`finding: ${what}`, () => check(input));

    it(`${count} mutations hold the invariants`, function () {
      this.timeout(180_000);
      const inputs = new Fuzzer(20_261_125);
      for (let i = 0; i < count; i++) check(inputs.next());
    });
  });
}

target('bodies and response heads', bodies, 4000);
target('first bytes of a connection', firstBytes, 10_000);
target('certificates and signing requests', certificates, 1000);
target('descriptions of APIs', descriptions, 1000);
target('manifests that weft inject changes', manifests, 1500);
target('expressions', patterns, 2000, {
  'a quantifier that reaches over a group of flags': { expression: '/(?i)*', paths: ['', '/iZ/i', '/i', '/'] },
  'a quantifier that reaches over a quote of nothing': { expression: '/\\Q\\E*', paths: ['', '/', '//'] },
});
target('control plane stream', stream, 800, {
  'a frame in parts, whose reader kept a view of a buffer that was only lent': {
    messages: [],
    frames: FRAME,
    lines: '',
    cuts: [2, 9],
  },
});
target('resources', resources, 3000);
target('live numbers', traffic, 2000);
target('tap', tap, 2000);
target('texts with a grammar', scalars, 3000, {
  'a problem that quotes a control character as it is': { text: '%lo0\u009b', variable: 'WEFT_PROXY_UID' },
  'a key whose brackets hold no IPv6 address, which was written as another': {
    text: 'service/[fd00]:80',
    variable: 'WEFT_PROXY_UID',
  },
});
const MISSHAPEN = {
  uid: 'u-1',
  operation: 'CREATE',
  kind: { group: '', version: 'v1', kind: 'Pod' },
  object: { metadata: { labels: '', annotations: { 'linkerd.io/inject': 'enabled' } }, spec: { volumes: {} } },
};
target('admission', admission, 1500, {
  'a pod whose labels are a text, to which the patch did not apply': {
    review: JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: MISSHAPEN }),
    namespaceAnnotations: '{}',
    token: '',
  },
});
target('values of an installation', values, 300);
