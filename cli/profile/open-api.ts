import { printable, quote } from '../../crds/scalars/scalar.ts';
import { isObject } from '../../lib/json.ts';
import { joinPath, serverBases, swaggerBase } from './base-paths.ts';
import { DescriptionError, type DescriptionProblem } from './description-error.ts';
import { pathPattern } from './path-pattern.ts';
import type { DescribedRoute, WrittenResponseClass, WrittenRoute } from './service-profile.ts';
import { YamlNode } from './yaml-node.ts';

/** In Linkerd's order; `trace`, which it leaves out, is behind them. */
const METHODS = ['delete', 'get', 'head', 'options', 'patch', 'post', 'put', 'trace'] as const;
/** From here on a response counts as a failure. */
const FIRST_FAILURE = 500;
/** `$ref` to `$ref` to …: more hops than anybody writes. */
const MAX_HOPS = 8;

/** What all parts of one description share. */
interface Description {
  root: YamlNode;
  /** OpenAPI 3; otherwise it is Swagger 2. */
  hasServers: boolean;
  problems: DescriptionProblem[];
}

/**
 * The routes of a Swagger 2 or OpenAPI 3 description, YAML or JSON, as `linkerd profile --open-api` makes them: one for each method of each path, paths in the order
 * of the alphabet.
 * @throws DescriptionError
 */
export function openApiRoutes(text: string): DescribedRoute[] {
  const root = YamlNode.parse(text);
  const description: Description = { root, hasServers: isOpenApi3(root), problems: [] };
  const paths = root.at('paths');
  const names = paths.keys().filter((key) => !key.startsWith('x-'));
  const routes = names.toSorted().flatMap((path) => routesOfPath(description, paths.at(path), path));
  if (description.problems.length > 0) throw new DescriptionError(description.problems);
  if (routes.length === 0) throw new DescriptionError([{ line: paths.line, message: 'paths has no operation' }]);
  return routes;
}

/** @throws DescriptionError: neither */
function isOpenApi3(root: YamlNode): boolean {
  const [swagger, openApi] = [root.at('swagger'), root.at('openapi')];
  if (/^2(\.0)?$/.test(String(swagger.value))) return false;
  if (/^3(\.|$)/.test(String(openApi.value))) return true;
  const wrong = swagger.value === undefined ? openApi : swagger;
  const message = 'is no description of an API: it has neither swagger: "2.0" nor openapi: "3…"';
  throw new DescriptionError([{ line: wrong.line, message }]);
}

function routesOfPath(description: Description, written: YamlNode, path: string): DescribedRoute[] {
  const { problems, root, hasServers } = description;
  if (!path.startsWith('/')) {
    problems.push({ line: written.line, message: `paths: ${quote(path)} must begin with a slash` });
    return [];
  }
  const item = followed(written, problems);
  if (item === null) return [];
  const operations = METHODS.map((method) => ({ method, operation: item.at(method) }))
    .filter(({ operation }) => isObject(operation.value))
    .map((each) => {
      const bases = hasServers ? serverBases([each.operation, item, root], problems) : [swaggerBase(root)];
      return { ...each, bases };
    });
  const bases = [...new Set(operations.flatMap((each) => each.bases))];
  return bases.flatMap((base) =>
    operations
      .filter((each) => each.bases.includes(base))
      .map(({ method, operation }) => ({
        route: routeOf(joinPath(base, path), method.toUpperCase(), operation, problems),
        line: operation.line,
      })),
  );
}

/** What a path item refers to, within this file; `null`, and a problem, where it cannot be followed. */
function followed(item: YamlNode, problems: DescriptionProblem[]): YamlNode | null {
  let node = item;
  for (let hops = 0; hops < MAX_HOPS; hops += 1) {
    if (!isObject(node.value)) break;
    const reference = node.at('$ref');
    if (reference.value === undefined) return node;
    const pointer = String(reference.value);
    if (!pointer.startsWith('#/')) {
      const message = `$ref: ${quote(pointer)} is another file, which is not read: bundle the files into one first`;
      problems.push({ line: reference.line, message });
      return null;
    }
    node = node.atPointer(pointer);
  }
  problems.push({ line: item.line, message: 'must be an object, or a $ref that leads to one' });
  return null;
}

function routeOf(path: string, method: string, operation: YamlNode, problems: DescriptionProblem[]): WrittenRoute {
  const responseClasses = classesOf(operation.at('responses'), problems);
  const timeout = extension(operation, 'x-linkerd-timeout', 'string', problems);
  const isRetryable = extension(operation, 'x-linkerd-retryable', 'boolean', problems);
  if (printable(path) !== path) {
    problems.push({ line: operation.line, message: `the path ${quote(path)} has characters that are not printable` });
  }
  return {
    name: `${method} ${path}`,
    condition: { method, pathRegex: pathPattern(path) },
    ...(responseClasses.length > 0 && { responseClasses }),
    ...(isRetryable === true && { isRetryable }),
    ...(typeof timeout === 'string' && timeout !== '' && { timeout }),
  };
}

/** Linkerd ignores an extension of the wrong type: what was asked for would not hold, and nobody would know. */
function extension(
  operation: YamlNode,
  name: string,
  type: 'string' | 'boolean',
  problems: DescriptionProblem[],
): unknown {
  const { value, line } = operation.at(name);
  const isRight = value === undefined || typeof value === type;
  if (isRight) return value;
  const wanted = type === 'string' ? 'a duration such as 300ms' : 'true or false';
  problems.push({ line, message: `${name} must be ${wanted}, not ${quote(value)}` });
  return undefined;
}

/** One class for each status, or hundred of them (`5XX`, OpenAPI 3), in rising order; `default` says nothing about a status. */
function classesOf(responses: YamlNode, problems: DescriptionProblem[]): WrittenResponseClass[] {
  const ranges = responses
    .keys()
    .filter((key) => key !== 'default' && !key.startsWith('x-'))
    .flatMap((key) => {
      const range = rangeOf(key);
      if (range !== null) return [range];
      problems.push({ line: responses.at(key).line, message: `responses: ${quote(key)} is no status` });
      return [];
    });
  return ranges
    .toSorted((a, b) => a.min - b.min || a.max - b.max)
    .map((status) => ({ condition: { status }, ...(status.min >= FIRST_FAILURE && { isFailure: true }) }));
}

function rangeOf(key: string): { min: number; max: number } | null {
  if (/^[1-5]XX$/i.test(key)) return { min: Number(key[0]) * 100, max: Number(key[0]) * 100 + 99 };
  return /^\d{3}$/.test(key) ? { min: Number(key), max: Number(key) } : null;
}
