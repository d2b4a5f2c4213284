import { NAMESPACE_OPTION, namesWithValue, type OptionWords, quoted, type Vocabulary } from './vocabulary.ts';

/** To be sourced behind `compinit`, or put as `_weft` into a folder of `fpath`. */
export function zshCompletion(words: Vocabulary): string {
  const { verbs, globals } = words;
  const described = verbs.map(({ name, summary }) => quoted(`${name}:${summary.replaceAll(':', '\\:')}`));
  return `#compdef weft
# Completion of weft for zsh: source <(weft completion zsh)
_weft() {
  local current=$words[CURRENT] previous=$words[CURRENT-1] verb='' i
  local -a verbs options
  for ((i = 2; i < CURRENT; i++)); do
    case $words[i] in
      (${namesWithValue(words).join('|')}) ((i++)) ;;
      (-*) ;;
      (*) verb=$words[i]; break ;;
    esac
  done
  verbs=(${described.join(' ')})
  case $verb in
${verbs.map(({ name, options }) => `    (${name}) options=(${namesOf(options)}) ;;`).join('\n')}
  esac
  case "$verb $previous" in
${verbs.flatMap(({ name, options }) => options.flatMap((option) => valuesOf(name, option))).join('\n')}
  esac
  case $previous in
    (${NAMESPACE_OPTION.join('|')}) _weft_names namespace; return ;;
  esac
  if [[ $current == -* ]]; then
    compadd -- $options ${namesOf(globals)}
  elif [[ -z $verb || $verb == help ]]; then
    _describe verb verbs
  else
    case $verb in
${verbs
  .filter(({ values }) => values.length > 0)
  .map(({ name, values }) => `      (${name}) compadd -- ${values.map(quoted).join(' ')} ;;`)
  .join('\n')}
${verbs.flatMap(({ name, names }) => (names === null ? [] : [`      (${name}) _weft_names ${names} ;;`])).join('\n')}
      (*) _files ;;
    esac
  fi
}
# Names of objects: of the cluster that the options before the cursor name. Behind TYPE/ a name is to follow.
_weft_names() {
  local -a found=(\${(f)"$(weft completion --names $1 --line "\${(j: :)words[1,CURRENT]}" 2>/dev/null)"})
  compadd -S '' -- \${(M)found:#*/}
  compadd -- \${found:#*/}
}
compdef _weft weft
`;
}

function namesOf(options: readonly OptionWords[]): string {
  return options.flatMap(({ names }) => names.slice(0, 1)).join(' ');
}

function valuesOf(verb: string, { names, values }: OptionWords): string[] {
  if (values.length === 0) return [];
  const where = names.map((name) => quoted(`${verb} ${name}`)).join('|');
  return [`    (${where}) compadd -- ${values.map(quoted).join(' ')}; return ;;`];
}
