import type { ResponseClass, ResponseMatch } from '../../contract/policy/response-class.ts';
import type { CompiledClass } from './classify.ts';

/** One for all routes without classes. */
const NO_CLASSES: readonly CompiledClass[] = [];

export function compileClasses(sources: readonly ResponseClass[]): readonly CompiledClass[] {
  return sources.length === 0 ? NO_CLASSES : sources.map(compileClass);
}

function compileClass(source: ResponseClass): CompiledClass {
  return { isFailure: source.isFailure, matches: compileResponseMatch(source.match) };
}

/** Built once per route: the functions are the compiled form, nothing is made per request. */
function compileResponseMatch(match: ResponseMatch): (status: number) => boolean {
  switch (match.type) {
    case 'status': {
      const { min, max } = match;
      return (status) => status >= min && status <= max;
    }
    case 'all': {
      const of = match.of.map(compileResponseMatch);
      return (status) => of.every((child) => child(status));
    }
    case 'any': {
      const of = match.of.map(compileResponseMatch);
      return (status) => of.some((child) => child(status));
    }
    case 'not': {
      const of = compileResponseMatch(match.of);
      return (status) => !of(status);
    }
  }
}
