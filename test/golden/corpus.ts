import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { parseAuthorizationPolicy } from '../../crds/kinds/authorization-policy/parse.ts';
import { parseHttpLocalRateLimitPolicy } from '../../crds/kinds/http-local-rate-limit-policy/parse.ts';
import { parseMesh } from '../../crds/kinds/mesh/parse.ts';
import { parseMeshTlsAuthentication } from '../../crds/kinds/mesh-tls-authentication/parse.ts';
import { parseNetworkAuthentication } from '../../crds/kinds/network-authentication/parse.ts';
import { parseServer } from '../../crds/kinds/server/parse.ts';
import { parseServerAuthorization } from '../../crds/kinds/server-authorization/parse.ts';
import { parseServiceProfile } from '../../crds/kinds/service-profile/parse.ts';
import { parseTrafficSplit } from '../../crds/kinds/traffic-split/parse.ts';
import type { Parsed } from '../../crds/types/problem.ts';

export interface ManifestObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  spec?: unknown;
}

/** One document of `manifests/accepted` or `manifests/rejected`, with the `# key: value` lines above it. */
export interface CorpusDocument {
  /** File and position, for messages: `rejected/server.yaml#3`. */
  id: string;
  note(key: string): string;
  object: ManifestObject;
}

const ROOT = fileURLToPath(new URL('./manifests/', import.meta.url));

export function loadCorpus(folder: 'accepted' | 'rejected'): CorpusDocument[] {
  return readdirSync(join(ROOT, folder))
    .sort()
    .flatMap((file) => readDocuments(`${folder}/${file}`));
}

function readDocuments(file: string): CorpusDocument[] {
  const texts = readFileSync(join(ROOT, file), 'utf8').split(/^---$/m);
  return texts.map((text, index) => ({
    id: `${file}#${index + 1}`,
    note: (key) => noteOf(text, key),
    object: parse(text),
  }));
}

/** Values may be quoted as in YAML. */
function noteOf(text: string, key: string): string {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`# ${key}: `));
  return line === undefined ? '' : line.slice(key.length + 4).replace(/^"(.*)"$/, '$1');
}

const PARSERS: Readonly<Record<string, (raw: unknown) => Parsed<unknown>>> = {
  ServiceProfile: parseServiceProfile,
  TrafficSplit: parseTrafficSplit,
  Server: parseServer,
  ServerAuthorization: parseServerAuthorization,
  AuthorizationPolicy: parseAuthorizationPolicy,
  MeshTLSAuthentication: parseMeshTlsAuthentication,
  NetworkAuthentication: parseNetworkAuthentication,
  HTTPLocalRateLimitPolicy: parseHttpLocalRateLimitPolicy,
  Mesh: parseMesh,
};

export function parseByKind(object: ManifestObject): Parsed<unknown> {
  const parser = PARSERS[object.kind];
  if (parser === undefined) throw new Error(`no parser for ${object.kind}`);
  return parser(object);
}
