import { dirname, join, normalize } from 'node:path';
import { type AnyNode, type Identifier, type Pattern, type Program, parse } from 'acorn';
import { transformSync } from 'esbuild';

/** What a module keeps for itself between calls: `path: name`. */
export type Finding = string;

interface Source {
  readonly path: string;
  readonly text: string;
}

interface Module {
  readonly path: string;
  readonly program: Program;
  /** Constants of the module → what they are made by. */
  readonly constants: Map<string, AnyNode | null>;
  /** Names that it imports from this tree → module and name there. */
  readonly imported: Map<string, { readonly path: string; readonly name: string }>;
  readonly classes: Map<string, AnyNode>;
}

const MUTATORS: ReadonlySet<string> = new Set([
  ...['push', 'pop', 'shift', 'unshift', 'splice', 'sort', 'reverse', 'fill', 'copyWithin'],
  ...['set', 'add', 'delete', 'clear'],
]);

/**
 * Module-level state: a `let`; a constant whose contents are changed by a function of this or of another module; a constant that is an object of a class of ours
 * whose methods change it. What is filled while the module loads and never changed after is a table, no state.
 */
export function moduleState(sources: readonly Source[]): Finding[] {
  const modules = new Map(sources.map((source) => [source.path, readModule(source)]));
  const found = new Set<Finding>();
  for (const module of modules.values()) {
    for (const name of variables(module.program)) found.add(`${module.path}: ${name}`);
    for (const name of changedIn(module)) {
      const origin = module.imported.get(name) ?? { path: module.path, name };
      if (modules.get(origin.path)?.constants.has(origin.name)) found.add(`${origin.path}: ${origin.name}`);
    }
    for (const [name, made] of module.constants) {
      if (made?.type === 'NewExpression' && made.callee.type === 'Identifier') {
        if (isStateful(made.callee.name, module, modules)) found.add(`${module.path}: ${name}`);
      }
    }
  }
  return [...found].sort();
}

function readModule({ path, text }: Source): Module {
  const program = parse(transformSync(text, { loader: 'ts', target: 'esnext' }).code, {
    ecmaVersion: 'latest',
    sourceType: 'module',
  });
  const module: Module = { path, program, constants: new Map(), imported: new Map(), classes: new Map() };
  for (const statement of program.body) {
    if (statement.type === 'ImportDeclaration') noteImports(module, statement);
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    if (declaration?.type === 'ClassDeclaration' && declaration.id !== null)
      module.classes.set(declaration.id.name, declaration);
    if (declaration?.type !== 'VariableDeclaration' || declaration.kind !== 'const') continue;
    for (const { id, init } of declaration.declarations) {
      if (id.type === 'Identifier') module.constants.set(id.name, init ?? null);
    }
  }
  return module;
}

function noteImports(module: Module, statement: Extract<AnyNode, { type: 'ImportDeclaration' }>): void {
  const from = String(statement.source.value);
  if (!from.startsWith('.')) return;
  const path = normalize(join(dirname(module.path), from));
  for (const specifier of statement.specifiers) {
    if (specifier.type !== 'ImportSpecifier' || specifier.imported.type !== 'Identifier') continue;
    module.imported.set(specifier.local.name, { path, name: specifier.imported.name });
  }
}

/** Names of `let` and `var` outside of functions. */
function variables(program: Program): string[] {
  return program.body.flatMap((statement) => {
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    if (declaration?.type !== 'VariableDeclaration' || declaration.kind === 'const') return [];
    return declaration.declarations.flatMap(({ id }) => namesIn(id));
  });
}

/** Names from outside of any function whose object a function changes. Functions that only the loading of the module calls fill tables. */
function changedIn(module: Module): Set<string> {
  const changed = new Set<string>();
  const loaders = onlyCalledWhileLoading(module.program);
  const visit = (node: AnyNode, inFunction: boolean, hidden: ReadonlySet<string>): void => {
    let inside = inFunction;
    let names = hidden;
    if (isFunction(node)) {
      inside ||= !(node.type === 'FunctionDeclaration' && loaders.has(node.id?.name ?? ''));
      names = new Set([...hidden, ...localNames(node)]);
    }
    const root = inside ? changedRoot(node) : null;
    if (root !== null && !names.has(root)) changed.add(root);
    for (const child of children(node)) visit(child, inside, names);
  };
  visit(module.program, false, new Set());
  return changed;
}

/** Functions of the module that are called outside of functions, and within none. */
function onlyCalledWhileLoading(program: Program): Set<string> {
  const outside = new Set<string>();
  const within = new Set<string>();
  const visit = (node: AnyNode, inFunction: boolean): void => {
    if (node.type === 'CallExpression' && node.callee.type === 'Identifier') {
      (inFunction ? within : outside).add(node.callee.name);
    }
    for (const child of children(node)) visit(child, inFunction || isFunction(node));
  };
  visit(program, false);
  return new Set([...outside].filter((name) => !within.has(name)));
}

/** The name at the root of what this node changes: `x` of `x.a = 1`, `x[0]++`, `delete x.a`, `x.list.push(1)`; `null` when it changes nothing. */
function changedRoot(node: AnyNode): string | null {
  if (node.type === 'AssignmentExpression') return rootOf(node.left);
  if (node.type === 'UpdateExpression') return rootOf(node.argument);
  if (node.type === 'UnaryExpression' && node.operator === 'delete') return rootOf(node.argument);
  if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return null;
  const { property, object } = node.callee;
  return property.type === 'Identifier' && MUTATORS.has(property.name) ? rootOrName(object) : null;
}

function rootOf(node: AnyNode): string | null {
  return node.type === 'MemberExpression' ? rootOrName(node.object) : null;
}

function rootOrName(node: AnyNode): string | null {
  return node.type === 'Identifier' ? node.name : rootOf(node);
}

/** Whether methods of the class, or of one that it extends, change their object. */
function isStateful(name: string, module: Module, modules: ReadonlyMap<string, Module>): boolean {
  const imported = module.imported.get(name);
  if (imported !== undefined) {
    const origin = modules.get(imported.path);
    return origin !== undefined && isStateful(imported.name, origin, modules);
  }
  const declaration = module.classes.get(name);
  if (declaration?.type !== 'ClassDeclaration') return false;
  const { superClass, body } = declaration;
  if (superClass?.type === 'Identifier' && isStateful(superClass.name, module, modules)) return true;
  return body.body.some(
    (member) => member.type === 'MethodDefinition' && member.kind !== 'constructor' && changesThis(member.value),
  );
}

function changesThis(node: AnyNode): boolean {
  const target =
    node.type === 'AssignmentExpression'
      ? node.left
      : node.type === 'UpdateExpression'
        ? node.argument
        : node.type === 'CallExpression' &&
            node.callee.type === 'MemberExpression' &&
            node.callee.property.type === 'Identifier' &&
            MUTATORS.has(node.callee.property.name)
          ? node.callee.object
          : null;
  return (target !== null && isOfThis(target)) || children(node).some(changesThis);
}

function isOfThis(node: AnyNode): boolean {
  if (node.type !== 'MemberExpression') return false;
  return node.object.type === 'ThisExpression' || isOfThis(node.object);
}

function isFunction(node: AnyNode): node is Extract<AnyNode, { params: Pattern[] }> {
  return /^(?:FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type);
}

/** Parameters, and what is declared anywhere in the function. */
function localNames(node: Extract<AnyNode, { params: Pattern[] }>): string[] {
  const names = node.params.flatMap(namesIn);
  const visit = (child: AnyNode): void => {
    if (child.type === 'VariableDeclarator') names.push(...namesIn(child.id));
    if (child !== node && isFunction(child)) return;
    for (const next of children(child)) visit(next);
  };
  visit(node);
  return names;
}

function namesIn(pattern: AnyNode): string[] {
  if (pattern.type === 'Identifier') return [(pattern satisfies Identifier).name];
  if (pattern.type === 'Property') return namesIn(pattern.value);
  return /Pattern$|Element$/.test(pattern.type) ? children(pattern).flatMap(namesIn) : [];
}

function children(node: AnyNode): AnyNode[] {
  return Object.values(node)
    .flatMap((value: unknown) => (Array.isArray(value) ? value : [value]))
    .filter(isNode);
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
