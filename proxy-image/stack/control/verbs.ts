import { CONFIGURATION_VERB } from '../../contract/control/configuration.ts';
import { TAP_VERB } from '../../contract/tap/question.ts';
import { tellConfiguration } from './configuration.ts';
import type { ControlVerb } from './host/answers.ts';
import { tap } from './tap/verb.ts';

/** What the control plane may ask a proxy for. */
export const CONTROL_VERBS: Readonly<Record<string, ControlVerb>> = {
  [CONFIGURATION_VERB]: tellConfiguration,
  [TAP_VERB]: tap,
};
