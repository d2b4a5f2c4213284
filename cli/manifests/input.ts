import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CliError } from '../errors.ts';
import { nameOfInput, readInput } from '../input.ts';
import type { Call } from '../verb.ts';

/** A text, and what it is called in messages. */
export interface Input {
  origin: string;
  text: string;
}

const MANIFEST = /\.(?:ya?ml|json)$/i;

/**
 * The text of a file, a URL or stdin (`-`); of a folder, those of all manifests below it in the order of their names.
 * @throws CliError WEFT_CLI_INPUT
 */
export async function readManifests(call: Pick<Call, 'context' | 'globals'>, source: string): Promise<Input[]> {
  const path = resolve(call.context.cwd, source);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) {
    return [{ origin: nameOfInput(source), text: await readInput(call, source) }];
  }
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((file) => MANIFEST.test(file));
  if (files.length === 0) throw new CliError('WEFT_CLI_INPUT', `${source} has no .yaml, .yml or .json below it`);
  const inputs: Input[] = [];
  for (const file of files.toSorted()) {
    inputs.push({ origin: join(source, file), text: await readInput(call, join(path, file)) });
  }
  return inputs;
}

/** Texts one after another, as one stream of documents. */
export function joinTexts(texts: readonly string[]): string {
  return texts.reduce((all, text) => {
    if (all === '' || text === '') return all + text;
    const ended = all.endsWith('\n') ? all : `${all}\n`;
    return /^---(?:\s|$)/.test(text) ? ended + text : `${ended}---\n${text}`;
  }, '');
}
