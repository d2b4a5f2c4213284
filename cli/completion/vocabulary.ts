import { Command, type Option } from 'commander';
import { declareGlobals } from '../globals.ts';
import type { NamePlace } from '../name-places.ts';
import type { VerbRow } from '../verb.ts';

/** What a shell can offer: verbs, their options, and the values of those that have few. */
export interface Vocabulary {
  verbs: readonly VerbWords[];
  /** Before every verb, and behind it. */
  globals: readonly OptionWords[];
}

export interface VerbWords {
  name: string;
  summary: string;
  options: readonly OptionWords[];
  /** Values of its argument; empty where they are files, or names. */
  values: readonly string[];
  /** What of the cluster its arguments name; `null`: nothing. */
  names: NamePlace | null;
}

export interface OptionWords {
  /** `--output`, and `-o` where there is one. */
  names: readonly string[];
  about: string;
  takesValue: boolean;
  /** Empty where any may be given. */
  values: readonly string[];
}

/** Loads every verb: only a verb's own file knows its options. */
export async function vocabularyOf(rows: readonly VerbRow[]): Promise<Vocabulary> {
  const verbs: VerbWords[] = [];
  for (const { name, summary, names = null, load } of rows) {
    const command = new Command(name);
    (await load()).describe(command);
    const values = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
    const options = command.options.filter(({ hidden }) => !hidden).map(wordsOf);
    verbs.push({ name, summary, options, values, names });
  }
  return { verbs, globals: [...declareGlobals(new Command()).options.map(wordsOf), HELP] };
}

const HELP: OptionWords = { names: ['--help', '-h'], about: 'what a verb does', takesValue: false, values: [] };

function wordsOf({ long, short, description, required, optional, argChoices }: Option): OptionWords {
  const names = [long, short].filter((name): name is string => name !== undefined && name !== null);
  return { names, about: description, takesValue: required || optional, values: argChoices ?? [] };
}

/** Names of the options that take the next word: it is no verb. */
export function namesWithValue({ globals }: Vocabulary): string[] {
  return globals.filter(({ takesValue }) => takesValue).flatMap(({ names }) => names);
}

/** Text as one word of a shell, whatever is in it (POSIX.1-2024, Shell Command Language §2.2.2). */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Names of the option that says which namespace is meant: its values are of the cluster too. */
export const NAMESPACE_OPTION = ['--namespace', '-n'] as const;
