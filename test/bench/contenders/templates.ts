import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = new URL('../rivals/', import.meta.url);

/** A file of `test/bench/rivals` with every `${NAME}` replaced. @throws when a name has no value */
export function fillTemplate(name: string, values: Readonly<Record<string, string>>): string {
  const text = readFileSync(fileURLToPath(new URL(name, FOLDER)), 'utf8');
  return text.replace(/\$\{([A-Z_]+)\}/g, (_, key: string) => {
    const value = values[key];
    if (value === undefined) throw new Error(`${name}: no value for ${key}`);
    return value;
  });
}
