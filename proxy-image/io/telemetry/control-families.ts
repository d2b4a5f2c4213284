import type { ControlCalls } from './control-calls.ts';
import { joinLabels, renderLabels } from './labels.ts';
import type { TextWriter } from './text-writer.ts';

const ONLY = 0;

/** What the proxy itself asks of the operator (linkerd2-proxy: control metrics). */
export function writeControl(writer: TextWriter, control: readonly ControlCalls[]): void {
  const each = control.map((calls) => ({ calls, labels: labelsOf(calls) }));
  const requests = writer.counter('control_request_total', 'Requests to the operator');
  for (const { calls, labels } of each) writer.sample(requests, labels, calls.requests);
  const responses = writer.counter('control_response_total', 'Ends of these requests, with an answer or without');
  for (const { calls, labels } of each) {
    writer.sample(responses, joinLabels(labels, 'classification="success"'), calls.succeeded);
    writer.sample(responses, joinLabels(labels, 'classification="failure"'), calls.failed);
  }
  const help = 'Milliseconds until the operator first answered';
  const latencies = writer.family('control_response_latency_ms', 'histogram', help);
  for (const { calls, labels } of each) calls.latencies.write(writer, latencies, labels, ONLY);
  const lookups = writer.counter('control_dns_resolutions_total', "Look-ups of the operator's name");
  for (const { calls } of each) {
    const of = `client="${calls.client}",record_type="A/AAAA"`;
    writer.sample(lookups, `${of},result="ok"`, calls.resolved);
    writer.sample(lookups, `${of},result="not_found"`, calls.unresolved);
  }
}

function labelsOf({ peer }: ControlCalls): string {
  return renderLabels([
    ['addr', `${peer.host}:${peer.port}`],
    ['tls', 'true'],
    ['server_id', peer.identity],
  ]);
}
