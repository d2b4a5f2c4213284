import { expect } from 'chai';
import { parseIdentity } from '../../../../crds/scalars/identity.ts';
import { matchesSelector } from '../../../../crds/scalars/label-selector.ts';
import { isDnsLabel, isDnsSubdomain, isLabelKey, isLabelValue } from '../../../../crds/scalars/name.ts';
import { quote } from '../../../../crds/scalars/scalar.ts';
import { parseServiceReference } from '../../../../crds/scalars/service-reference.ts';
import type { LabelSelector } from '../../../../crds/types/label-selector.ts';

describe('names', () => {
  it('follow RFC 1123', () => {
    for (const text of ['a', '0', 'web-svc', 'a'.repeat(63)]) expect(isDnsLabel(text), text).to.equal(true);
    for (const text of ['', 'A', '-a', 'a-', 'a.b', 'a_b', 'a'.repeat(64)])
      expect(isDnsLabel(text), text).to.equal(false);
    for (const text of ['a', 'a.b', 'web.ns.svc.cluster.local']) expect(isDnsSubdomain(text), text).to.equal(true);
    for (const text of ['', '.', 'a..b', 'a.', '.a', 'a.B', `${'a.'.repeat(130)}a`])
      expect(isDnsSubdomain(text)).to.equal(false);
  });

  it('of labels have an optional prefix; values may be empty', () => {
    for (const key of ['app', 'app.kubernetes.io/name', 'A_b.c-d']) expect(isLabelKey(key), key).to.equal(true);
    for (const key of ['', '/a', 'a/', 'A/b', 'a/b/c', '-a', 'a'.repeat(64)])
      expect(isLabelKey(key), key).to.equal(false);
    for (const value of ['', 'v1', 'A.b_c']) expect(isLabelValue(value), value).to.equal(true);
    for (const value of ['-a', 'two words', 'a'.repeat(64)]) expect(isLabelValue(value), value).to.equal(false);
  });

  it('of Services are short, qualified or fully qualified', () => {
    const read = (text: string) => parseServiceReference(text);
    expect(read('web')).to.deep.equal({ service: 'web', namespace: '', domain: '' });
    expect(read('web.ns')).to.deep.equal({ service: 'web', namespace: 'ns', domain: '' });
    expect(read('web.ns.svc')).to.deep.equal({ service: 'web', namespace: 'ns', domain: '' });
    expect(read('web.ns.svc.k8s.example.org.')).to.deep.equal({
      service: 'web',
      namespace: 'ns',
      domain: 'k8s.example.org',
    });
    for (const text of [
      '',
      '.',
      'web.ns.pod.cluster.local',
      'Web',
      'web..svc',
      'http://web',
      `web.${'n'.repeat(64)}`,
    ]) {
      expect(read(text), text).to.equal(null);
    }
  });
});

describe('identities', () => {
  it('are exact names, * or *.suffix', () => {
    for (const text of ['*', '*.cluster.local', 'web.ns.serviceaccount.identity.linkerd.cluster.local']) {
      expect(parseIdentity(text)).to.deep.equal({ ok: true, value: text });
    }
    for (const text of [
      '',
      '**',
      'web.*',
      '*web.ns',
      '*.',
      '.a',
      'a b',
      'spiffe://a/b',
      'A.b',
      `${'a.'.repeat(127)}aa`,
    ]) {
      expect(parseIdentity(text).ok, text).to.equal(false);
    }
  });
});

describe('label selectors', () => {
  const labels = { app: 'web', tier: '' };
  const selector = (matchExpressions: LabelSelector['matchExpressions'], matchLabels = {}): LabelSelector => ({
    matchLabels,
    matchExpressions,
  });

  it('match when every requirement holds; an empty one matches everything (E9)', () => {
    expect(matchesSelector(selector([]), labels)).to.equal(true);
    expect(matchesSelector(selector([], { app: 'web' }), labels)).to.equal(true);
    expect(matchesSelector(selector([], { app: 'web', tier: 'x' }), labels)).to.equal(false);
    expect(matchesSelector(selector([], { tier: '' }), labels)).to.equal(true);
    expect(matchesSelector(selector([], { absent: '' }), labels)).to.equal(false);
  });

  it('know the four operators; absent keys satisfy NotIn', () => {
    const one = (operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist', key: string, values: string[] = []) =>
      matchesSelector(selector([{ key, operator, values }]), labels);
    expect([one('In', 'app', ['web', 'x']), one('In', 'app', ['x']), one('In', 'absent', ['x'])]).to.deep.equal([
      true,
      false,
      false,
    ]);
    expect([one('NotIn', 'app', ['web']), one('NotIn', 'app', ['x']), one('NotIn', 'absent', ['x'])]).to.deep.equal([
      false,
      true,
      true,
    ]);
    expect([one('Exists', 'tier'), one('Exists', 'absent')]).to.deep.equal([true, false]);
    expect([one('DoesNotExist', 'tier'), one('DoesNotExist', 'absent')]).to.deep.equal([false, true]);
  });

  it('do not find inherited properties', () => {
    expect(matchesSelector(selector([{ key: 'constructor', operator: 'Exists', values: [] }]), labels)).to.equal(false);
    expect(matchesSelector(selector([], { toString: 'x' }), {})).to.equal(false);
  });
});

describe('user input in messages', () => {
  it('is quoted without line breaks and cut', () => {
    expect(quote('a\nb"c')).to.equal(String.raw`"a\nb\"c"`);
    expect(quote('x'.repeat(500)).length).to.be.below(90);
    expect(quote(undefined)).to.equal('undefined');
    expect([quote({ a: 1 }), quote([1]), quote(null), quote(7)]).to.deep.equal(['an object', 'a list', 'null', '7']);
  });
});
