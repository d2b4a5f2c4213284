import { quote } from '../../crds/scalars/scalar.ts';
import type { DescriptionProblem } from './description-error.ts';
import type { YamlNode } from './yaml-node.ts';

const VARIABLE = /\{([^}]*)\}/g;

/** What the paths of a Swagger 2 file are relative to. */
export function swaggerBase(root: YamlNode): string {
  const { value } = root.at('basePath');
  return typeof value === 'string' ? value : '';
}

/**
 * What the paths of an operation are relative to (OpenAPI 3, Server Object): the paths of the innermost `servers`, each once. The host plays no part: requests of the
 * mesh come by the name of the Service.
 */
export function serverBases(places: readonly YamlNode[], problems: DescriptionProblem[]): string[] {
  const servers = places.map((place) => place.at('servers').items()).find((items) => items.length > 0) ?? [];
  const bases = servers.map((server) => serverPath(server, problems));
  return bases.length === 0 ? [''] : [...new Set(bases)];
}

function serverPath(server: YamlNode, problems: DescriptionProblem[]): string {
  const url = server.at('url');
  const text = String(url.value).replace(VARIABLE, (_, name) => String(defaultOf(server, name).value ?? ''));
  if (typeof url.value === 'string' && URL.canParse(text, 'http://service/')) {
    return new URL(text, 'http://service/').pathname.replace(/\/+$/, '');
  }
  problems.push({ line: url.line, message: `servers: url must be a URL, not ${quote(url.value)}` });
  return '';
}

function defaultOf(server: YamlNode, variable: string): YamlNode {
  return server.at('variables').at(variable).at('default');
}

export function joinPath(base: string, path: string): string {
  return `/${base}/${path}`.replace(/\/{2,}/g, '/');
}
