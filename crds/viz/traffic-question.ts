import { MAX_LABEL_LENGTH } from '../../proxy-image/contract/traffic/labels.ts';
import { BY, DIMENSIONS, type Dimension } from './dimensions.ts';
import { TRAFFIC_SECONDS, type TrafficQuestion } from './traffic-list.ts';

/** A sum over several of these is one of things that are not alike. */
const NEVER_MIXED = ['direction', 'counted'] as const;
const USUAL_BY: readonly Dimension[] = [...BY.workload, ...NEVER_MIXED];
const FILTER = 'where.';
const { least, most } = TRAFFIC_SECONDS;

export type ReadQuestion = { question: TrafficQuestion; problem: null } | { question: null; problem: string };

interface Draft {
  by: readonly Dimension[];
  where: Partial<Record<Dimension, string>>;
  seconds: number;
  owner: TrafficQuestion['owner'];
}

/** The parameters of a URL, of which `trafficParameters` is the other direction. `problem`: one sentence about the first that is wrong. */
export function readTrafficQuestion(parameters: URLSearchParams): ReadQuestion {
  const question: Draft = { by: USUAL_BY, where: {}, seconds: TRAFFIC_SECONDS.usual, owner: 'reporter' };
  const seen = new Set<string>();
  for (const [name, value] of parameters) {
    if (IGNORED.has(name)) continue;
    const problem = seen.has(name) ? `${quoted(name)} is there twice` : readParameter(question, name, value);
    if (problem !== null) return { question: null, problem };
    seen.add(name);
  }
  const problem = mixed(question);
  return problem === null ? { question, problem } : { question: null, problem };
}

function readParameter(question: Draft, name: string, value: string): string | null {
  if (name.startsWith(FILTER)) return readFilter(question, name.slice(FILTER.length), value);
  switch (name) {
    case 'by':
      return readBy(question, value === '' ? [] : value.split(','));
    case 'seconds':
      question.seconds = /^\d{1,4}$/.test(value) ? Number(value) : 0;
      if (question.seconds >= least && question.seconds <= most) return null;
      return `seconds is a whole number from ${least} to ${most}`;
    case 'owner':
      if (value !== 'reporter' && value !== 'service') return 'owner is reporter or service';
      question.owner = value;
      return null;
    default:
      return `there is no parameter ${quoted(name)}: there are by, seconds, owner and ${FILTER}<dimension>`;
  }
}

function readBy(question: Draft, names: readonly string[]): string | null {
  const unknown = names.find((name) => !isDimension(name));
  if (unknown !== undefined) return `by: there is no dimension ${quoted(unknown)}`;
  if (new Set(names).size < names.length) return 'by names a dimension twice';
  question.by = names.filter(isDimension);
  return null;
}

function readFilter({ where }: Draft, dimension: string, value: string): string | null {
  if (!isDimension(dimension)) return `there is no dimension ${quoted(dimension)}`;
  if (value.length > MAX_LABEL_LENGTH) return `${FILTER}${dimension} is longer than any label`;
  where[dimension] = value;
  return null;
}

function mixed({ by, where }: Draft): string | null {
  const several = NEVER_MIXED.find((dimension) => !by.includes(dimension) && where[dimension] === undefined);
  if (several === undefined) return null;
  return `sums over several of ${several} mean nothing: name it in by, or one of them in ${FILTER}${several}`;
}

/** What clients of the Kubernetes API add to any list by themselves, and means nothing here. */
const IGNORED: ReadonlySet<string> = new Set(['limit', 'timeout', 'resourceVersion', 'pretty']);

function isDimension(name: string): name is Dimension {
  return (DIMENSIONS as readonly string[]).includes(name);
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
