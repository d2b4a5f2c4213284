import { expect } from 'chai';
import { transformSync } from 'esbuild';
import { PUBLISHED, publishPrivateNames } from '../../../hack/images/private-names.ts';

/** What the code leaves in `result`: as it is, published, and shortened after that. */
function resultOf(code: string): unknown {
  const published = publishPrivateNames(code, 'unit');
  const { code: short } = transformSync(published, { minify: true, mangleProps: PUBLISHED });
  const [before, ...after] = [code, published, short].map((text) => new Function(`${text};return result`)());
  for (const result of after) expect(result).to.deep.equal(before);
  return before;
}

describe('private names of the bundled proxy', () => {
  it('fields, methods, accessors and static members work as before', () => {
    const code = `
      class Counter {
        static #made = 0;
        #n = 1;
        get #twice() { return this.#n * 2; }
        set #twice(value) { this.#n = value / 2; }
        #add(by) { this.#n += by; return this; }
        static make() { Counter.#made++; return new Counter(); }
        run(other) { this.#add(2).#twice += 4; return [this.#n, other.#n, other?.#twice, Counter.#made]; }
      }
      var result = Counter.make().run(Counter.make());`;
    expect(resultOf(code)).to.deep.equal([5, 1, 2, 2]);
    expect(publishPrivateNames(code, 'unit')).not.to.include('#');
  });

  it('a class and what extends it keep fields of the same name apart', () => {
    const code = `
      class Base { #state = 'base'; base() { return this.#state; } }
      class Derived extends Base { #state = 'derived'; derived() { return this.#state; } }
      var one = new Derived(); var result = [one.base(), one.derived()];`;
    expect(resultOf(code)).to.deep.equal(['base', 'derived']);
  });

  it('so do classes of two files', () => {
    const base = publishPrivateNames('class Base { #state = 1; base() { return this.#state; } }', 'one');
    const derived = publishPrivateNames(
      'class Derived extends Base { #state = 2; own() { return this.#state; } }',
      'two',
    );
    const both = new Function(`${base}\n${derived}\nconst one = new Derived(); return [one.base(), one.own()];`)();
    expect(both).to.deep.equal([1, 2]);
  });

  it('a nested class reaches the names of the classes around it, its own first', () => {
    const code = `
      class Outer {
        #a = 'outer a';
        #b = 'outer b';
        inner() {
          return new (class { #a = 'inner a'; of(outer) { return [this.#a, outer.#b]; } })().of(this);
        }
      }
      var result = new Outer().inner();`;
    expect(resultOf(code)).to.deep.equal(['inner a', 'outer b']);
  });

  it('text that looks like a private name stays', () => {
    expect(resultOf('var result = ["x.#y", `a #b`, /.#c/.source];')).to.deep.equal(['x.#y', 'a #b', '.#c']);
  });

  it('a test for a private name is refused: it would mean something else', () => {
    const code = 'class A { #x = 1; static is(value) { return #x in value; } }';
    expect(() => publishPrivateNames(code, 'unit')).to.throw('#x in …: not supported');
  });

  it('code that is none is refused', () => {
    expect(() => publishPrivateNames('class A { run() { return this.#x; } }', 'unit')).to.throw(SyntaxError, '#x');
  });
});
