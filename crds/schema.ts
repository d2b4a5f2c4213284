import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { isObject } from '../lib/json.ts';
import { type CustomResourceManifest, type JsonSchema, loadManifests } from './manifest.ts';
import { child, textOf } from './parse/metadata.ts';
import { ProblemList } from './parse/problems.ts';
import type { Problem } from './types/problem.ts';

/** Checks documents against the manifests' schemas as the API server does, except CEL rules, and refuses unknown fields (the API server prunes them). */
export interface SchemaValidator {
  /** Every violation; an empty list when the document fits. A document of an unknown group, version or kind is one. */
  validate(raw: unknown): Problem[];
}

/** Builds the validator from the manifests in `directory`; schemas are compiled when first needed. */
export function loadSchemas(directory?: string): SchemaValidator {
  const compile = schemaCompiler();
  const versions = new Map(loadManifests(directory).flatMap(versionEntries));
  return {
    validate(raw) {
      const schema = versions.get(versionKey(textOf(raw, 'apiVersion'), textOf(raw, 'kind')));
      return schema === undefined ? [unknownKind(raw)] : run(compile(schema), raw);
    },
  };
}

function versionKey(apiVersion: string, kind: string): string {
  return `${apiVersion} ${kind}`;
}

function versionEntries({ spec }: CustomResourceManifest): [string, JsonSchema][] {
  return spec.versions
    .filter(({ served }) => served)
    .map(({ name, schema }) => [versionKey(`${spec.group}/${name}`, spec.names.kind), schema.openAPIV3Schema]);
}

function unknownKind(raw: unknown): Problem {
  const found = `${textOf(raw, 'apiVersion') || 'none'} ${textOf(raw, 'kind') || 'none'}`.slice(0, 200);
  return { severity: 'error', path: 'apiVersion', message: `is of no known group, version and kind: ${found}` };
}

/** Versions that share a schema in the manifest share the compiled one. */
function schemaCompiler(): (schema: JsonSchema) => ValidateFunction {
  const ajv = new Ajv({ strict: false, allErrors: true, messages: true, ownProperties: true });
  ajv.addFormat('int32', { type: 'number', validate: (value) => Math.abs(value) < 2 ** 31 });
  ajv.addFormat('int64', { type: 'number', validate: (value) => Number.isSafeInteger(value) });
  ajv.addFormat('float', { type: 'number', validate: (value) => Number.isFinite(value) });
  ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i);
  const compiled = new Map<JsonSchema, ValidateFunction>();
  return (schema) => {
    const known = compiled.get(schema);
    if (known !== undefined) return known;
    const validate = ajv.compile(rootSchema(schema));
    compiled.set(schema, validate);
    return validate;
  };
}

/** What the API server checks of `metadata` beside the manifest's schema; its other fields are left to it. */
const METADATA: JsonSchema = {
  type: 'object',
  required: ['name'],
  properties: {
    name: {
      type: 'string',
      maxLength: 253,
      pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$',
    },
    namespace: { type: 'string', maxLength: 63 },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    annotations: { type: 'object', additionalProperties: { type: 'string' } },
  },
};

function rootSchema(schema: JsonSchema): JsonSchema {
  const closed = toJsonSchema(schema);
  const properties = isObject(closed.properties) ? closed.properties : {};
  return {
    ...closed,
    required: [...listOfText(closed.required), 'metadata'],
    properties: { ...properties, metadata: METADATA },
  };
}

/** A structural schema in the terms of JSON Schema: int-or-string becomes a type, objects are closed unless they keep unknown fields. */
function toJsonSchema(schema: JsonSchema): JsonSchema {
  const result: JsonSchema = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key.startsWith('x-kubernetes-') || key === 'default' || key === 'description') continue;
    result[key] = convertKeyword(key, value);
  }
  if (schema['x-kubernetes-int-or-string'] === true) result['type'] = ['integer', 'string'];
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || 'additionalProperties' in schema;
  if (isObject(schema['properties']) && !open) result['additionalProperties'] = false;
  return result;
}

function convertKeyword(key: string, value: unknown): unknown {
  if (!isObject(value)) return value;
  if (key === 'items' || key === 'additionalProperties') return toJsonSchema(value);
  if (key !== 'properties') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, schema]) => [name, isObject(schema) ? toJsonSchema(schema) : schema]),
  );
}

function listOfText(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : [];
}

function run(validate: ValidateFunction, raw: unknown): Problem[] {
  const problems = new ProblemList();
  if (!validate(raw)) for (const error of validate.errors ?? []) problems.error(fieldPath(error), message(error));
  return problems.list();
}

/** A missing or unknown field is named itself, not the object around it, as the API server does. */
function fieldPath({ instancePath, keyword, params }: ErrorObject): string {
  const keys = instancePath
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last =
    keyword === 'required' ? 'missingProperty' : keyword === 'additionalProperties' ? 'additionalProperty' : '';
  const extra = textOf(params, last);
  if (extra !== '') keys.push(extra);
  return keys.reduce(
    (path, key) => (/^[0-9]+$/.test(key) ? `${path}[${key}]` : `${path}${path === '' ? '' : '.'}${key}`),
    '',
  );
}

function message({ keyword, params, message: text }: ErrorObject): string {
  if (keyword === 'required') return 'is required';
  if (keyword === 'additionalProperties') return 'is not a known field';
  const allowed = child(params, 'allowedValues');
  return Array.isArray(allowed) ? `must be one of ${allowed.join(', ')}` : (text ?? 'does not fit the schema');
}
