import { expect } from 'chai';
import { evaluateJsonPath } from '../../../../cli/output/jsonpath/evaluate.ts';
import { JsonPathError, parseJsonPath } from '../../../../cli/output/jsonpath/parse.ts';

/** The document of the page that documents the templates of kubectl. */
const DOCUMENT = {
  kind: 'List',
  items: [
    { kind: 'None', metadata: { name: '127.0.0.1', labels: { 'a.b/c': 'x' } }, status: { capacity: { cpu: '4' } } },
    { kind: 'None', metadata: { name: '127.0.0.2' }, status: { capacity: { cpu: '8' }, ready: true } },
  ],
  users: [
    { name: 'myself', user: {} },
    { name: 'e2e', user: { username: 'admin', password: 'secret', tries: 3 } },
  ],
  numbers: [0, 1, 2, 3, 4, 5],
};

describe('-o jsonpath=', () => {
  const shown = (template: string, document: unknown = DOCUMENT) => evaluateJsonPath(parseJsonPath(template), document);

  it('prints what the templates in the documentation of kubectl print', () => {
    const documented: [string, string][] = [
      ['kind is {.kind}', 'kind is List'],
      ['{.kind}', 'List'],
      ["{['kind']}", 'List'],
      ['{.users[1].name}', 'e2e'],
      ['{..name}', '127.0.0.1 127.0.0.2 myself e2e'],
      ['{.items[*].metadata.name}', '127.0.0.1 127.0.0.2'],
      ['{.users[0].name}', 'myself'],
      ["{.items[*]['metadata.name', 'status.capacity']}", '127.0.0.1 {"cpu":"4"} 127.0.0.2 {"cpu":"8"}'],
      ['{.users[?(@.name=="e2e")].user.password}', 'secret'],
      [
        '{range .items[*]}[{.metadata.name}, {.status.capacity}] {end}',
        '[127.0.0.1, {"cpu":"4"}] [127.0.0.2, {"cpu":"8"}] ',
      ],
      ['{range .items[*]}{.metadata.name}{"\\t"}{end}', '127.0.0.1\t127.0.0.2\t'],
      ['{.items[0].metadata.labels.a\\.b/c}', 'x'],
    ];
    for (const [template, text] of documented) expect(shown(template), template).to.equal(text);
  });

  it('cuts lists, and counts from their end', () => {
    const cuts: [string, string][] = [
      ['{.numbers[1:3]}', '1 2'],
      ['{.numbers[:2]}', '0 1'],
      ['{.numbers[-2:]}', '4 5'],
      ['{.numbers[::2]}', '0 2 4'],
      ['{.numbers[-1]}', '5'],
      ['{.numbers}', '[0,1,2,3,4,5]'],
      ['{.numbers[9]}', ''],
    ];
    for (const [template, text] of cuts) expect(shown(template), template).to.equal(text);
  });

  it('compares numbers with numbers and texts with texts', () => {
    const filters: [string, string][] = [
      ['{.numbers[?(@ > 3)]}', '4 5'],
      ['{.numbers[?(@>=4)]}', '4 5'],
      ['{.numbers[?(@ < 1)]}', '0'],
      ['{.numbers[?(@ != 0)]}', '1 2 3 4 5'],
      ['{.users[?(@.user.tries <= 3)].name}', 'e2e'],
      ['{.users[?(@.user.username)].name}', 'e2e'],
      ["{.users[?('e2e' == @.name)].name}", 'e2e'],
      ['{.items[?(@.status.ready==true)].metadata.name}', '127.0.0.2'],
      ['{.users[?(@.name < 3)].name}', ''],
      ['{.items[?(@.kind == $.items[0].kind)].metadata.name}', '127.0.0.1 127.0.0.2'],
    ];
    for (const [template, text] of filters) expect(shown(template), template).to.equal(text);
  });

  it('takes a path without braces, and ranges in ranges', () => {
    expect(shown('.users[*].name')).to.equal('myself e2e');
    expect(shown('$.kind')).to.equal('List');
    expect(shown('kind')).to.equal('List');
    expect(shown('{[*].name}', [{ name: 'a' }, { name: 'b' }])).to.equal('a b');
    expect(shown('{range .a[*]}{range .b[*]}{@},{end};{end}', { a: [{ b: [1, 2] }, { b: [3] }] })).to.equal('1,2,;3,;');
  });

  it('prints nothing for what is not there, and reaches nothing that is not in the document', () => {
    for (const template of [
      '{.nothing}',
      '{.kind.x}',
      '{.constructor}',
      '{.__proto__}',
      '{..toString}',
      '{.kind[0]}',
    ]) {
      expect(shown(template), template).to.equal('');
    }
  });

  it('says where a template is not understood', () => {
    const wrong = ['{.a', '{range .a}', '{end}', '{.a[}', '{.a[?(@.b == )]}', '{.a[1:2:0]}', '{"a}', '{.a}}{', '{|}'];
    for (const template of wrong) expect(() => shown(template), template).to.throw(JsonPathError, / at /);
  });
});
