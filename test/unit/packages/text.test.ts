import { expect } from 'chai';
import { parse } from 'yaml';
import {
  all,
  Choice,
  isSet,
  isTrue,
  Noted,
  not,
  plain,
  resolved,
  type Template,
  textOf,
  valueNumber,
  valueText,
  when,
  whenSet,
} from '../../../cli/install/template.ts';
import { documents } from '../../../hack/packages/text.ts';

describe('the text of a chart', () => {
  const object: Template = {
    kind: 'A',
    replicas: when(isSet('operator.replicas'), valueNumber('operator.replicas')),
    image: whenSet('images.operator', textOf({ value: 'images.prefix' }, '100%:', { value: 'images.tag' })),
    list: ['a', when(all(isTrue('ha'), not(isTrue('viz.enabled'))), { b: 'yes', c: valueText('images.tag') })],
    rule: [new Noted('because', { d: [] })],
  };

  it('has values as actions, conditions around what depends on them, and notes as comments', () => {
    expect(documents([when(isTrue('ha'), object)])).to.equal(`{{- if .Values.ha }}
---
kind: A
{{- if .Values.operator.replicas }}
replicas: {{ .Values.operator.replicas | int }}
{{- end }}
{{- if .Values.images.operator }}
image: {{ .Values.images.operator | quote }}
{{- else }}
image: {{ printf "%s100%%:%s" .Values.images.prefix .Values.images.tag | quote }}
{{- end }}
list:
  - a
  {{- if and .Values.ha (not .Values.viz.enabled) }}
  - b: "yes"
    c: {{ .Values.images.tag | quote }}
  {{- end }}
rule:
  # because
  - d: []
{{- end }}
`);
  });

  it('is YAML of the same object where no value is open', () => {
    const values = { 'images.tag': '1', ha: 'true', 'viz.enabled': 'false', 'operator.replicas': '3' };
    const closed = resolved(object, values)!;
    expect(parse(documents([closed]).slice('---\n'.length))).to.deep.equal(plain(closed));
    expect(plain(closed)).to.deep.equal({
      kind: 'A',
      replicas: 3,
      image: 'localhost/100%:1',
      list: ['a', { b: 'yes', c: '1' }],
      rule: [{ d: [] }],
    });
  });

  it('is refused where Helm would read something else, or nothing', () => {
    const optional = when(isTrue('ha'), 'b');
    const wrong: [Template, RegExp][] = [
      [{ a: '{{ .Values.ha }}' }, /Helm would take it for its own/],
      [{ a: { b: optional } }, /may have no entry at all/],
      [{ a: [{ b: optional, c: 'd' }] }, /first entry of an item is not always there/],
      [{ a: [['b']] }, /a list within a list/],
    ];
    for (const [template, message] of wrong) expect(() => documents([template])).to.throw(message);
  });

  it('leaves nothing open unseen', () => {
    for (const open of [valueText('images.tag'), new Choice([])]) {
      expect(() => plain({ a: [open] })).to.throw('a value is still open');
    }
  });
});
