import type { TapLine } from '../../crds/viz/tap.ts';

/** For stderr: what is not of the traffic. */
export function noteOf(line: Exclude<TapLine, { type: 'event' }>): string {
  if (line.type === 'missed') return `… ${line.events} events are missing${line.pod === '' ? '' : ` of ${line.pod}`}\n`;
  if (line.type === 'pod') return line.state === 'listening' ? '' : `${line.namespace}/${line.pod}: ${line.reason}\n`;
  const left = line.leftOut.map(({ namespace, pod, reason }) => `${namespace}/${pod}: ${reason}\n`).join('');
  return line.listening === 0 ? `${left}no pod can be listened to\n` : left;
}
