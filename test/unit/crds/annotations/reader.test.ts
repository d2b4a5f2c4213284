import { expect } from 'chai';
import { type Annotation, constant, type Place } from '../../../../crds/annotations/annotation.ts';
import { AnnotationReader, type Annotations, type Finding } from '../../../../crds/annotations/reader.ts';
import { unknownNames } from '../../../../crds/annotations/rows.ts';
import { choice } from '../../../../crds/annotations/values.ts';
import { DEFAULT_MESH } from '../../../../crds/kinds/mesh/parse.ts';

type Colour = 'red' | 'green' | 'grey' | 'none';

const LENIENT: Annotation<Colour> = {
  names: ['x/colour', 'beta.x/colour'],
  on: ['workload', 'namespace'],
  parse: choice<Colour>('red', 'green'),
  strictest: null,
  otherwise: constant<Colour>('none'),
};
const STRICT: Annotation<Colour> = { ...LENIENT, strictest: { value: 'grey', means: 'grey it is', empty: 'none' } };

/** What a pod and its namespace come to, and what is told of it. */
function read(
  annotation: Annotation<Colour>,
  pod: Annotations,
  namespace: Annotations = {},
  first: Place = 'workload',
) {
  const findings: Finding[] = [];
  const reader = new AnnotationReader({
    layers: [
      { place: first, annotations: pod },
      { place: 'namespace', annotations: namespace },
    ],
    mesh: DEFAULT_MESH,
    report: (finding) => findings.push(finding),
  });
  const value = reader.value(annotation);
  return {
    value,
    inherited: { ...reader.inherited },
    told: findings.map(({ name, place, kind }) => `${name} ${place} ${kind}`),
  };
}

describe('reader of annotations', () => {
  const red = { 'x/colour': 'red' };
  const green = { 'x/colour': 'green' };
  const wrong = { 'x/colour': 'blue' };

  it('asks the object, then its namespace, then what holds without', () => {
    expect(read(LENIENT, red, green)).to.deep.equal({ value: 'red', inherited: {}, told: [] });
    expect(read(LENIENT, {}, green)).to.deep.equal({ value: 'green', inherited: green, told: [] });
    expect(read(LENIENT, {}, {})).to.deep.equal({ value: 'none', inherited: {}, told: [] });
  });

  it('passes over what cannot be read, and says so', () => {
    expect(read(LENIENT, wrong, green)).to.deep.include({ value: 'green', told: ['x/colour workload passedOver'] });
    expect(read(LENIENT, wrong, wrong).value).to.equal('none');
    expect(read(LENIENT, { 'x/colour': '' }, green).value).to.equal('green');
  });

  it('takes the strictest for what cannot be read where it keeps clients out, on whichever object it stands', () => {
    expect(read(STRICT, wrong, green)).to.deep.equal({
      value: 'grey',
      inherited: {},
      told: ['x/colour workload strictest'],
    });
    expect(read(STRICT, {}, wrong)).to.deep.include({ value: 'grey', inherited: wrong });
    expect(read(STRICT, red, wrong)).to.deep.include({ value: 'red', told: [] });
  });

  it('… and an empty one for none, or for a mistake, as the annotation says', () => {
    const empty = { 'x/colour': '' };
    expect(read(STRICT, empty, green)).to.deep.include({ value: 'green', told: [] });
    const other: Annotation<Colour> = { ...STRICT, strictest: { ...STRICT.strictest!, empty: 'unreadable' } };
    expect(read(other, empty, green).value).to.equal('grey');
  });

  it('prefers a name on the namespace over an older one on the object, and says what is wrong with either', () => {
    expect(read(LENIENT, { 'beta.x/colour': 'red' }, green).value).to.equal('green');
    expect(read(LENIENT, { 'beta.x/colour': 'blue' }, green).told).to.deep.equal(['beta.x/colour workload passedOver']);
    expect(read(LENIENT, { ...wrong, 'beta.x/colour': 'red' }).value).to.equal('red');
  });

  it('does not look at an object that the annotation does not stand on', () => {
    expect(read(LENIENT, red, green, 'service').value).to.equal('green');
  });

  it('reads nothing of more than 8,192 characters, and nothing that was not written', () => {
    const long = { 'x/colour': 'r'.repeat(8_193) };
    expect(read(LENIENT, long, green)).to.deep.include({ value: 'green', told: ['x/colour workload passedOver'] });
    expect(read(STRICT, long, green).value).to.equal('grey');
    const any: Annotation<Colour> = { ...LENIENT, names: ['constructor'], parse: () => ({ ok: true, value: 'red' }) };
    expect(read(any, {}, {}).value).to.equal('none');
  });

  it('knows which names of our domains mean nothing on an object', () => {
    const annotations = {
      'config.linkerd.io/opaque-ports': '25',
      'config.linkerd.io/opaqe-ports': '25',
      'config.linkerd.io': 'x',
      'retry.linkerd.io/http': '5xx',
      'retry.linkerd.io/grpc': 'internal',
      'timeout.linkerd.io/reqest': '1s',
      'balancer.weft.dev/algorithm': 'ewma',
      'example.com/retry.linkerd.io': 'theirs',
    };
    const places: Place[] = ['workload', 'namespace', 'service', 'httpRoute', 'grpcRoute'];
    expect(Object.fromEntries(places.map((place) => [place, unknownNames(place, annotations)]))).to.deep.equal({
      workload: ['config.linkerd.io/opaqe-ports'],
      namespace: ['config.linkerd.io/opaqe-ports'],
      service: ['timeout.linkerd.io/reqest'],
      httpRoute: ['retry.linkerd.io/grpc', 'timeout.linkerd.io/reqest'],
      grpcRoute: ['retry.linkerd.io/http', 'timeout.linkerd.io/reqest'],
    });
  });
});
