import { NAMESPACE_OPTION, namesWithValue, type OptionWords, quoted, type Vocabulary } from './vocabulary.ts';

/** For bash 4 and later, without the package bash-completion. */
export function bashCompletion(words: Vocabulary): string {
  const { verbs, globals } = words;
  return `# Completion of weft for bash: source <(weft completion bash)
_weft() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} verb='' options='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${namesWithValue(words).join(' | ')}) ((i++)) ;;
      -*) ;;
      *) verb=\${COMP_WORDS[i]}; break ;;
    esac
  done
  local verbs=${quoted(verbs.map(({ name }) => name).join(' '))}
  case $verb in
${verbs.map(({ name, options }) => `    ${name}) options=${quoted(namesOf(options))} ;;`).join('\n')}
  esac
  case "$verb $previous" in
${verbs.flatMap(({ name, options }) => options.flatMap((option) => valuesOf(name, option))).join('\n')}
  esac
  case $previous in
    ${NAMESPACE_OPTION.join(' | ')}) _weft_names namespace; return ;;
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options ${namesOf(globals)}" -- "$current"))
  elif [[ -z $verb ]]; then
    COMPREPLY=($(compgen -W "$verbs help" -- "$current"))
  else
    case $verb in
      help) COMPREPLY=($(compgen -W "$verbs" -- "$current")) ;;
${verbs
  .filter(({ values }) => values.length > 0)
  .map(({ name, values }) => `      ${name}) COMPREPLY=($(compgen -W ${quoted(values.join(' '))} -- "$current")) ;;`)
  .join('\n')}
${verbs.flatMap(({ name, names }) => (names === null ? [] : [`      ${name}) _weft_names ${names} ;;`])).join('\n')}
    esac
  fi
}
# Names of objects: of the cluster that the options before the cursor name. Behind \`TYPE/\` a name is to follow.
_weft_names() {
  COMPREPLY=($(weft completion --names "$1" --line "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null))
  [[ \${COMPREPLY[*]} != */ ]] || compopt -o nospace 2>/dev/null || true
}
complete -o default -F _weft weft
`;
}

function namesOf(options: readonly OptionWords[]): string {
  return options.flatMap(({ names }) => names.slice(0, 1)).join(' ');
}

function valuesOf(verb: string, { names, values }: OptionWords): string[] {
  if (values.length === 0) return [];
  const where = names.map((name) => quoted(`${verb} ${name}`)).join(' | ');
  return [`    ${where}) COMPREPLY=($(compgen -W ${quoted(values.join(' '))} -- "$current")); return ;;`];
}
