import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { type JsonSchema, loadManifests } from '../../crds/manifest.ts';

/** Names of all fields below `schema`, at any depth. */
function fieldNames(schema: JsonSchema): string[] {
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>);
  const below = properties.flatMap(([name, property]) => [name, ...fieldNames(property)]);
  return schema['items'] === undefined ? below : [...below, ...fieldNames(schema['items'] as JsonSchema)];
}

/** What Kubernetes documents itself. */
const FOREIGN = new Set(['key', 'values', 'apiGroup', 'kind']);

describe('reference pages', () => {
  for (const { spec } of loadManifests()) {
    const file = `docs/reference/${spec.names.singular}.md`;
    it(`${file} names every field, version and short name`, () => {
      const text = readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8');
      const { properties } = spec.versions[0]!.schema.openAPIV3Schema as { properties: { spec: JsonSchema } };
      for (const name of fieldNames(properties.spec)) {
        if (!FOREIGN.has(name)) expect(text, name).to.match(new RegExp(`[\`.]${name}\\b`));
      }
      for (const { name } of spec.versions) expect(text).to.include(name);
      for (const name of spec.names.shortNames ?? []) expect(text).to.include(`\`${name}\``);
    });
  }
});
