import { expect } from 'chai';
import fc from 'fast-check';
import { BAD_REQUESTS, GOOD_REQUESTS } from './messages.ts';
import { type ReferenceMessage, readMessages } from './reference.ts';
import { Rig } from './rig.ts';

/** Pieces that lenient servers have read in another way than proxies. */
const PIECES: readonly string[] = [
  'Content-Length: 4\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: identity\r\n',
  'Connection: upgrade\r\nUpgrade: tcp\r\n',
  'Connection: close, te, host\r\n',
  'Host:\r\n',
  'Host: other\r\n',
  'Max-Forwards: 2\r\n',
  'TE: trailers\r\n',
  'Expect: 100-continue\r\n',
  '\x85',
  '\xa0',
  '\xe2\x80\xa8',
  'http://other',
  'http://other?',
  ' HTTP/1.0',
  '\n',
  '\r',
  '0\r\n\r\n',
  'GET /smuggled HTTP/1.1\r\nHost: web\r\n\r\n',
];

/** What a proxy has sent on, and whether it went on to the end. */
function through(stream: string): { forwarded: string; refused: boolean } {
  const rig = new Rig();
  rig.exchangeAll([stream]);
  return { forwarded: rig.forwarded, refused: / 4\d\d | 5\d\d /.test(rig.client.text) };
}

/**
 * A lenient server, as bad as the ones that smuggling has been shown with: lines end at any LF, names and values are trimmed, a request line is split at any run
 * of blanks, the last Host and the last length count, any coding that contains `chunked` wins, sizes of chunks are whatever begins like a number.
 */
function readLeniently(stream: string): string[] {
  const seen: string[] = [];
  for (let rest = stream; rest.includes('\n\n') || rest.includes('\r\n\r\n'); ) {
    const end = /\r?\n\r?\n/.exec(rest)!;
    const lines = rest.slice(0, end.index).split(/\r?\n/);
    rest = rest.slice(end.index + end[0].length);
    const [method = '', target = ''] = lines[0]!.split(/[ \t\v\f]+/);
    const fields = lines.slice(1).map((line) => line.split(/:(.*)/s).map((part) => part.trim().toLowerCase()));
    const of = (name: string) => fields.filter(([own]) => own === name).map(([, value]) => value!);
    seen.push(`${method} ${target} ${of('host').at(-1)}`);
    // What is behind it belongs to the tunnel, or to nobody.
    if (method === 'CONNECT') return seen;
    if (of('transfer-encoding').some((coding) => coding.includes('chunked'))) rest = behindChunks(rest);
    else rest = rest.slice(Number.parseInt(of('content-length').at(-1) ?? '0', 10));
  }
  return seen;
}

function behindChunks(stream: string): string {
  for (let rest = stream; ; ) {
    const line = /^[^\n]*\n/.exec(rest);
    if (line === null) return '';
    const size = Number.parseInt(line[0], 16);
    rest = rest.slice(line[0].length);
    if (size > 0) rest = rest.slice(size).replace(/^\r?\n/, '');
    else return /^(?:[^\r\n]+\r?\n)*\r?\n([\s\S]*)$/.exec(rest)?.[1] ?? '';
  }
}

const linesOf = (messages: ReferenceMessage[]): string[] =>
  messages.map(({ startLine, fields }) => {
    const [method, target] = startLine.split(' ');
    return `${method} ${target} ${fields.find(([name]) => name === 'host')?.[1]?.toLowerCase()}`;
  });

describe('HTTP/1 codec: two proxies in a row, and a lenient server behind them', () => {
  const mutated = fc
    .tuple(
      fc.array(fc.constantFrom(...GOOD_REQUESTS), { minLength: 1, maxLength: 3 }),
      fc.option(fc.constantFrom(...BAD_REQUESTS), { nil: '' }),
      fc.array(fc.tuple(fc.nat(400), fc.constantFrom(...PIECES), fc.boolean()), { maxLength: 3 }),
    )
    .map(([good, bad, changes]) => {
      let text = good.join('') + bad;
      for (const [at, piece, atLine] of changes) {
        const line = atLine ? text.indexOf('\r\n', at % (text.length + 1)) + 2 : at % (text.length + 1);
        text = text.slice(0, line) + piece + text.slice(line);
      }
      return text;
    });

  it('A9, A10, A12, A17: all see the same requests, with the same targets and hosts, however lenient the last is', () => {
    fc.assert(
      fc.property(mutated, (stream) => {
        const first = through(stream).forwarded;
        const whole = readMessages(first, false);
        const second = through(first);
        const forwarded = readMessages(second.forwarded, false);
        // What one has said the other takes; Max-Forwards alone is a reason to answer sooner, and is not counted by the codec.
        expect(linesOf(forwarded).slice(0, whole.length)).to.deep.equal(linesOf(whole));
        expect(readLeniently(second.forwarded).slice(0, forwarded.length)).to.deep.equal(linesOf(forwarded));
        // A head whose body is unfinished is the last.
        expect(readLeniently(second.forwarded).length).to.be.at.most(forwarded.length + 1);
      }),
      { numRuns: 4000 },
    );
  });

  for (const request of GOOD_REQUESTS) {
    it(`what one has said, the next says again: ${JSON.stringify(request).slice(0, 60)}`, () => {
      const first = through(request);
      const second = through(first.forwarded);
      expect([first.refused, second.refused]).to.deep.equal([false, false]);
      const counted = (text: string) => text.replace(/max-forwards: \d+\r\n/, '');
      expect(counted(second.forwarded)).to.equal(counted(first.forwarded));
    });
  }
});
