import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { type AnyNode, type ClassBody, type Node, type PrivateIdentifier, parse } from 'acorn';
import { type Plugin, transform } from 'esbuild';

/** What the names of the properties begin with: esbuild may shorten them all, nothing else has such a name. */
export const PUBLISHED = /^\$private_/;

/** Of one class body: what each of its private names is called afterwards. */
type Scope = ReadonlyMap<string, string>;

interface Edit {
  start: number;
  end: number;
  text: string;
}

/**
 * Gives private names (`#name`) of classes the form of properties with names of their own. The language has checked by then that nobody else uses
 * them, and the engine pays for each: a symbol, and in every class that has one a scope with a table. In an idle proxy this is 1 MiB
 * (hack/adr/0006-runtime-flags.md).
 * @param code JavaScript, ES module
 * @param unit in every name, so that a class of one file may extend one of another
 * @throws SyntaxError; Error for `#name in object`, which would have to mean something else
 */
export function publishPrivateNames(code: string, unit: string): string {
  const edits: Edit[] = [];
  let classes = 0;
  const visit = (node: AnyNode, scopes: readonly Scope[]): void => {
    if (node.type === 'BinaryExpression' && node.left.type === 'PrivateIdentifier')
      throw new Error(`#${node.left.name} in …: not supported in what is bundled for the proxy`);
    if (node.type === 'PrivateIdentifier') edits.push(editOf(node, scopes));
    const inner = node.type === 'ClassBody' ? [scopeOf(node, `${unit}_${classes++}`), ...scopes] : scopes;
    for (const child of childrenOf(node)) visit(child, inner);
  };
  visit(parse(code, { ecmaVersion: 'latest', sourceType: 'module' }), []);
  return applied(code, edits);
}

function scopeOf(body: ClassBody, unit: string): Scope {
  const keys = body.body.map((element) => ('key' in element ? element.key : null));
  const names = keys.filter((key) => key?.type === 'PrivateIdentifier').map(({ name }) => name);
  return new Map(names.map((name) => [name, `$private_${unit}_${name}`]));
}

function editOf({ name, start, end }: PrivateIdentifier, scopes: readonly Scope[]): Edit {
  const text = scopes.find((scope) => scope.has(name))?.get(name);
  if (text === undefined) throw new SyntaxError(`#${name} is declared by no class around it`);
  return { start, end, text };
}

function childrenOf(node: AnyNode): AnyNode[] {
  return Object.values(node).flat().filter(isNode);
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

function applied(code: string, edits: readonly Edit[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const { start, end, text } of [...edits].sort((a, b) => a.start - b.start)) {
    parts.push(code.slice(at, start), text);
    at = end;
  }
  return parts.join('') + code.slice(at);
}

/** Of all sources under `root`; packages stay as they are. What comes out is TypeScript to esbuild still, so that its rules for fields hold. */
export function publishingPrivateNames(root: string): Plugin {
  return {
    name: 'private-names',
    setup(plugins) {
      plugins.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const { code } = await transform(await readFile(path, 'utf8'), {
          loader: 'ts',
          target: 'es2024',
          format: 'esm',
        });
        const unit = createHash('sha256').update(relative(root, path)).digest('hex').slice(0, 8);
        return { contents: publishPrivateNames(code, unit), loader: 'ts' };
      });
    },
  };
}
