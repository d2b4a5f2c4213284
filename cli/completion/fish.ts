import type { NamePlace } from '../name-places.ts';
import { NAMESPACE_OPTION, type OptionWords, type Vocabulary } from './vocabulary.ts';

/** fish has rules instead of a program. */
export function fishCompletion({ verbs, globals }: Vocabulary): string {
  const lines = ['# Completion of weft for fish: weft completion fish | source'];
  for (const option of globals) {
    const isNamespace = option.names.some((name) => NAMESPACES.includes(name));
    lines.push(`complete -c weft ${optionOf(option)}${isNamespace ? ` ${liveNames('namespace')}` : ''}`);
  }
  for (const { name, summary, options, values, names } of verbs) {
    const within = fishQuoted(`__fish_seen_subcommand_from ${name}`);
    lines.push(`complete -c weft -n __fish_use_subcommand -f -a ${name} -d ${fishQuoted(summary)}`);
    for (const option of options) lines.push(`complete -c weft -n ${within} ${optionOf(option)}`);
    if (values.length > 0) lines.push(`complete -c weft -n ${within} -f -a ${fishQuoted(values.join(' '))}`);
    if (names !== null) lines.push(`complete -c weft -n ${within} ${liveNames(names)}`);
  }
  return `${lines.join('\n')}\n`;
}

const NAMESPACES: readonly string[] = NAMESPACE_OPTION;

/** Asked of the cluster when they are wanted: of that which the options before the cursor name. */
function liveNames(place: NamePlace): string {
  return `-f -a ${fishQuoted(`(weft completion --names ${place} --line (commandline -cp | string collect) 2>/dev/null)`)}`;
}

function optionOf({ names, about, takesValue, values }: OptionWords): string {
  const spelled = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const chosen = values.length === 0 ? [] : ['-f', '-a', fishQuoted(values.join(' '))];
  return [...spelled, ...(takesValue ? ['-r'] : []), ...chosen, '-d', fishQuoted(about)].join(' ');
}

/** In fish a backslash counts within single quotes. */
function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
