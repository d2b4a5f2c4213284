import { quote } from '../../crds/scalars/scalar.ts';
import { CliError } from '../errors.ts';
import { kindNamed, type ResourceKind } from './kinds.ts';

/** What an argument asks for: one object, or all of a kind. */
export interface ResourceArgument {
  kind: ResourceKind;
  /** `null` = all. */
  name: string | null;
}

/** A name of an object, of whatever kind: what the API server takes as part of a path (`validation.IsValidPathSegmentName`). */
const NAME = /^(?!\.\.?$)[^/%\p{Cc}]+$/u;

/**
 * Arguments as kubectl and Linkerd take them: `TYPE`, `TYPE NAME...`, `TYPE/NAME...`, `TYPE,TYPE`, and `all` where the verb has a list for it.
 * @throws CliError WEFT_CLI_USAGE
 */
export function resourcesOf(
  args: readonly string[],
  known: readonly ResourceKind[],
  all: readonly ResourceKind[] = [],
): ResourceArgument[] {
  const [first] = args;
  if (first === undefined) throw new CliError('WEFT_CLI_USAGE', 'a resource is missing, such as deploy or deploy/web');
  if (args.some((arg) => arg.includes('/'))) return args.map((arg) => slashed(arg, known));
  if (first.toLowerCase() === 'all' && all.length > 0) {
    if (args.length > 1) throw new CliError('WEFT_CLI_USAGE', 'all takes no names');
    return all.map((kind) => ({ kind, name: null }));
  }
  const kinds = first.split(',').map((text) => kindNamed(text, known));
  const rest = args.slice(1).map(nameIn);
  const names = rest.length === 0 ? [null] : rest;
  return kinds.flatMap((kind) => names.map((name) => ({ kind, name })));
}

/** One object: `TYPE/NAME`, or `TYPE NAME`. */
export function resourceOf(args: readonly string[], known: readonly ResourceKind[]): ResourceArgument {
  const found = resourcesOf(args, known);
  if (found.length !== 1) throw new CliError('WEFT_CLI_USAGE', `one resource is expected, not ${found.length}`);
  return found[0]!;
}

function slashed(arg: string, known: readonly ResourceKind[]): ResourceArgument {
  const at = arg.indexOf('/');
  if (at < 0) throw new CliError('WEFT_CLI_USAGE', `${quote(arg)} stands beside TYPE/NAME: write all of them so`);
  const kind = kindNamed(arg.slice(0, at), known);
  const name = arg.slice(at + 1);
  // `deploy/` is Linkerd's for all of them.
  return { kind, name: name === '' ? null : nameIn(name) };
}

function nameIn(text: string): string {
  if (NAME.test(text)) return text;
  throw new CliError('WEFT_CLI_USAGE', `${quote(text)} is no name of an object`);
}
