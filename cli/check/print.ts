import { printable } from '../../crds/scalars/scalar.ts';
import { escapeControls } from '../../proxy-image/contract/log-text.ts';
import type { painter } from '../output/colour.ts';
import type { Finding } from './facts/check.ts';
import { isSuccess, type JudgedCategory, type Verdict } from './judge.ts';

export const FORMATS = ['table', 'short', 'json'] as const;
export type Format = (typeof FORMATS)[number];

type Paint = ReturnType<typeof painter>;

const SYMBOLS = { success: ['green', '√'], warning: ['yellow', '‼'], error: ['red', '×'] } as const;
/** The rest is a number, but for JSON. */
const MAX_SHOWN = 10;

export function printed(judged: readonly JudgedCategory[], format: Format, paint: Paint): string {
  return format === 'json' ? json(judged) : table(judged, format === 'short', paint);
}

/** Linkerd's form; `isShort`: only what is not as it should be. */
function table(judged: readonly JudgedCategory[], isShort: boolean, paint: Paint): string {
  const sections = judged
    .map(({ name, verdicts }) => ({
      name,
      verdicts: isShort ? verdicts.filter(({ result }) => result !== 'success') : verdicts,
    }))
    .filter(({ verdicts }) => verdicts.length > 0)
    .map(({ name, verdicts }) => {
      const lines = verdicts.flatMap((verdict) => linesOf(verdict, paint));
      return `${[name, '-'.repeat(name.length), ...lines].join('\n')}\n\n`;
    });
  return `${sections.join('')}Status check results are ${symbol(isSuccess(judged) ? 'success' : 'error', paint)}\n`;
}

function linesOf(verdict: Verdict, paint: Paint): string[] {
  const { check, result, unread, findings } = verdict;
  const head = `${symbol(result, paint)} ${check.description}`;
  if (result === 'success') return [head];
  const more = findings.length - MAX_SHOWN;
  return [
    head,
    ...(unread === '' ? [] : [`    could not be looked at: ${printable(unread)}`]),
    ...findings
      .slice(0, MAX_SHOWN)
      .flatMap((finding) => [`    ${textOf(finding)}`, `      → ${printable(finding.remedy)}`]),
    ...(more > 0 ? [`    and ${more} more: -o json has all of them`] : []),
    `    see ${hintOf(verdict)} for hints`,
  ];
}

function symbol(result: Verdict['result'], paint: Paint): string {
  const [colour, text] = SYMBOLS[result];
  return paint(colour, text);
}

/** Linkerd's schema, and what else is known of each finding. */
function json(judged: readonly JudgedCategory[]): string {
  const categories = judged.map(({ name, verdicts }) => ({ categoryName: name, checks: verdicts.map(asJson) }));
  return `${escapeControls(JSON.stringify({ success: isSuccess(judged), categories }, null, 2))}\n`;
}

function asJson(verdict: Verdict) {
  const { check, result, unread, findings } = verdict;
  const passed = { description: check.description, result, code: check.code };
  if (result === 'success') return passed;
  const error = unread === '' ? findings.map(textOf).join('\n') : `could not be looked at: ${unread}`;
  return { ...passed, hint: hintOf(verdict), error, findings };
}

function textOf({ object, reason }: Finding): string {
  return printable(`${object}: ${reason}`);
}

/** Where nothing could be looked at, the page is about that. */
function hintOf({ check, unread }: Verdict): string {
  return `weft check --explain ${unread === '' ? check.code : UNREAD_CODE}`;
}

const UNREAD_CODE = 'not-readable';
