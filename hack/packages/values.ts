import { SETTINGS, type Setting, type SettingName, type Shape } from '../../cli/install/settings.ts';

/** Settings by the parts of their names. */
interface Tree {
  [part: string]: Tree | SettingName;
}

const LINE = 118;

function tree(names: readonly SettingName[]): Tree {
  const root: Tree = {};
  for (const name of names) {
    const parts = name.split('.');
    const last = parts.pop()!;
    let at = root;
    for (const part of parts) {
      at[part] ??= {};
      at = at[part] as Tree;
    }
    at[last] = name;
  }
  return root;
}

/** `values.yaml` of a chart: every value with what it means, and what holds without it. */
export function valuesText(names: readonly SettingName[], head: string): string {
  return `${[...comment(head, ''), '', ...lines(tree(names), '')].join('\n')}\n`;
}

function lines(values: Tree, indent: string): string[] {
  return Object.entries(values).flatMap(([part, content]) => {
    if (typeof content !== 'string') return [`${indent}${part}:`, ...lines(content, `${indent}  `)];
    const setting: Setting = SETTINGS[content];
    return [...comment(setting.doc, indent), `${indent}${part}: ${fallbackText(setting)}`];
  });
}

function fallbackText({ fallback, type }: Setting): string {
  if (fallback === undefined) return 'null';
  return type === 'boolean' || type === 'number' || type === 'json' ? fallback : JSON.stringify(fallback);
}

function comment(text: string, indent: string): string[] {
  const found: string[] = [];
  let line = '';
  for (const word of text.replaceAll('`', '').split(' ')) {
    if (line !== '' && `${indent}# ${line} ${word}`.length > LINE) {
      found.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...found, line].map((each) => `${indent}# ${each}`);
}

/** `values.schema.json`: an unknown name is refused, as by `weft install --set`. */
export function schemaText(names: readonly SettingName[], title: string): string {
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title,
    ...objectSchema(tree(names), { global: { type: 'object', description: 'what Helm hands to every chart' } }),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function objectSchema(values: Tree, more: Readonly<Record<string, object>> = {}): object {
  const properties = Object.entries(values).map(([part, content]) => [
    part,
    typeof content === 'string' ? settingSchema(SETTINGS[content]) : objectSchema(content),
  ]);
  return {
    type: 'object',
    additionalProperties: false,
    // What has a default cannot be taken away by null.
    required: Object.entries(values).flatMap(([part, content]) => (isRequired(content) ? [part] : [])),
    properties: { ...Object.fromEntries(properties), ...more },
  };
}

function isRequired(content: Tree | SettingName): boolean {
  if (typeof content !== 'string') return true;
  const setting: Setting = SETTINGS[content];
  return setting.fallback !== undefined;
}

const TEXT = { type: 'string' } as const;
const SHAPES: Readonly<Record<Shape, object>> = {
  labels: { type: 'object', additionalProperties: TEXT },
  tolerations: {
    type: 'array',
    items: {
      type: 'object',
      additionalProperties: false,
      properties: {
        effect: TEXT,
        key: TEXT,
        operator: TEXT,
        tolerationSeconds: { type: 'integer', minimum: 0 },
        value: TEXT,
      },
    },
  },
  references: {
    type: 'array',
    items: { type: 'object', additionalProperties: false, required: ['name'], properties: { name: TEXT } },
  },
};

function settingSchema({ doc, fallback, type, pattern, range, shape }: Setting): object {
  const orNull = fallback === undefined ? ['null'] : [];
  const description = doc.replaceAll('`', '');
  if (shape !== undefined) return { description, ...SHAPES[shape] };
  switch (type) {
    case 'boolean':
      return { description, type: 'boolean' };
    case 'number':
      return { description, type: ['integer', ...orNull], minimum: range?.[0], maximum: range?.[1] };
    case 'quantity':
      return { description, type: ['string', 'number', ...orNull], pattern: pattern.source, minimum: 0 };
    default:
      return { description, type: ['string', ...orNull], pattern: pattern.source };
  }
}
