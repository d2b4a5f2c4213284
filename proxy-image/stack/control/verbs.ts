import { TAP_VERB } from '../../contract/tap/question.ts';
import type { ControlVerb } from './host/answers.ts';
import { tap } from './tap/verb.ts';

/** What the control plane may ask a proxy for. */
export const CONTROL_VERBS: Readonly<Record<string, ControlVerb>> = { [TAP_VERB]: tap };
