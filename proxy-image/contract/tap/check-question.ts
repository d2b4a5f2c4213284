import { type Fields, Reader } from '../read/reader.ts';
import { TAP_LIMITS, type TapPeer, type TapQuestion } from './question.ts';

/** Reads what a proxy is asked, which is hostile like all that comes from a network. A question with a problem is not answered: it would tell more than was wanted. */
export function checkTapQuestion(value: unknown): { question: TapQuestion } | { problems: string[] } {
  const reader = new Reader();
  const question = readQuestion(reader, reader.object(value, 'tap'));
  return reader.errors.length > 0 ? { problems: reader.errors } : { question };
}

function readQuestion(reader: Reader, fields: Fields): TapQuestion {
  const text = (name: string) => boundedText(reader, fields[name], `tap.${name}`);
  return {
    direction: readDirection(reader, fields['direction']),
    to: readPeer(reader, fields['to'], 'tap.to'),
    from: readPeer(reader, fields['from'], 'tap.from'),
    scheme: text('scheme'),
    method: text('method'),
    authority: text('authority'),
    path: text('path'),
    maxRps: reader.integerOf(fields, 'tap', 'maxRps', 1, TAP_LIMITS.mostRps),
    share: readShare(reader, fields['share']),
    headers: reader.flagOf(fields, 'tap', 'headers'),
  };
}

function readDirection(reader: Reader, value: unknown): TapQuestion['direction'] {
  if (value === null || value === 'inbound' || value === 'outbound') return value;
  reader.fail('tap.direction', 'inbound, outbound or null');
  return null;
}

function readShare(reader: Reader, value: unknown): number {
  const share = reader.number(value, 'tap.share', 0, 1);
  if (share === 0) reader.fail('tap.share', 'more than 0');
  return share;
}

function readPeer(reader: Reader, value: unknown, path: string): TapPeer | null {
  if (value === null) return null;
  const fields = reader.object(value, path);
  const labels = reader.record(fields['labels'], `${path}.labels`, (label, at) => boundedText(reader, label, at));
  const addresses = reader.list(fields['addresses'], `${path}.addresses`, (entry, at) =>
    boundedText(reader, entry, at),
  );
  if (labels.length > TAP_LIMITS.labels) reader.fail(`${path}.labels`, `at most ${TAP_LIMITS.labels}`);
  if (addresses.length > TAP_LIMITS.addresses) reader.fail(`${path}.addresses`, `at most ${TAP_LIMITS.addresses}`);
  if (labels.length === 0 && addresses.length === 0) reader.fail(path, 'a label or an address');
  return { labels: Object.fromEntries(labels), addresses };
}

function boundedText(reader: Reader, value: unknown, path: string): string {
  const text = reader.text(value, path);
  if (text.length > TAP_LIMITS.textLength) reader.fail(path, `at most ${TAP_LIMITS.textLength} characters`);
  return text;
}
