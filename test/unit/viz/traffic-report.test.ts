import { expect } from 'chai';
import fc from 'fast-check';
import { checkOperatorMessage, checkProxyMessage } from '../../../proxy-image/contract/check.ts';
import { encodeFrame, FrameReader } from '../../../proxy-image/contract/framing.ts';
import { MAX_MESSAGE_BYTES } from '../../../proxy-image/contract/messages.ts';
import { checkTrafficReport, readTrafficRequest } from '../../../proxy-image/contract/traffic/check.ts';
import { BUCKETS, COUNTER, COUNTERS, FIRST_BUCKET } from '../../../proxy-image/contract/traffic/counters.ts';
import {
  COUNTED,
  DIRECTIONS,
  isLabelText,
  labelText,
  OVERFLOW_SERIES,
  overflowOf,
} from '../../../proxy-image/contract/traffic/labels.ts';
import {
  MAX_BYTES,
  MAX_COUNT,
  MAX_COUNTERS,
  MAX_SERIES,
  TRAFFIC_VERSION,
} from '../../../proxy-image/contract/traffic/report.ts';
import { CALLS_BOOKS } from './fixtures.ts';

const GOOD = {
  type: 'traffic',
  version: TRAFFIC_VERSION,
  run: 'r1',
  seq: 7,
  overMs: 10_000,
  agoMs: 0,
  declared: [
    [6, CALLS_BOOKS],
    [7, null],
  ],
  changed: [
    [6, COUNTER.success, 3, FIRST_BUCKET + 4, 3, COUNTER.writtenBytes, MAX_BYTES],
    [0, COUNTER.failure, MAX_COUNT],
  ],
};

function without(fields: object): { report: object | null; problems: string[] } {
  return checkTrafficReport({ ...GOOD, ...fields });
}

describe('a traffic report', () => {
  it('comes out of its frame as it went in', () => {
    const [message] = new FrameReader(MAX_MESSAGE_BYTES).push(encodeFrame(GOOD));
    expect(checkTrafficReport(message)).to.deep.equal({ report: GOOD, problems: [] });
  });

  it('is passed on by the envelope as it came; what asks for one is a message that a proxy does not know by itself, and ignores', () => {
    expect(checkProxyMessage(GOOD)).to.deep.equal({ message: { type: 'traffic', report: GOOD }, problem: null });
    const request = { type: 'reportTraffic', version: 1, everyMs: 10_000 };
    expect(checkOperatorMessage(request)).to.deep.equal({ message: null, problem: null, rejected: [] });
  });

  it('of a newer version is ignored, without a problem', () => {
    expect(without({ version: TRAFFIC_VERSION + 1 })).to.deep.equal({ report: null, problems: [] });
  });

  it('keeps its fields, labels and counters to itself that are newer than its reader', () => {
    const declared = [[6, { ...CALLS_BOOKS, continent: 'europe' }]];
    const changed = [[6, COUNTERS, 5, COUNTER.success, 1, COUNTERS + 20, 2]];
    expect(without({ declared, changed, mood: 'good' })).to.deep.equal({
      report: { ...GOOD, declared: [[6, CALLS_BOOKS]], changed: [[6, COUNTER.success, 1]] },
      problems: [],
    });
  });

  for (const [what, value] of [
    ['no object', [GOOD]],
    ['another type', { ...GOOD, type: 'ack' }],
    ['no version', { ...GOOD, version: undefined }],
    ['version 0', { ...GOOD, version: 0 }],
    ['no run', { ...GOOD, run: '' }],
    ['a run too long', { ...GOOD, run: 'r'.repeat(65) }],
    ['a number of no report', { ...GOOD, seq: 0 }],
    ['a time that is none', { ...GOOD, overMs: -1 }],
    ['a time beyond all bounds', { ...GOOD, agoMs: 1e300 }],
  ] as const) {
    it(`is refused with a reason where it has ${what} (B19)`, () => {
      const { report, problems } = checkTrafficReport(value);
      expect(report).to.equal(null);
      expect(problems).to.have.length(1);
      expect(problems[0]).to.match(/expected/);
    });
  }

  for (const [what, fields, problem] of [
    [
      'a declaration of a number that is taken',
      { declared: [[0, CALLS_BOOKS]] },
      'declared[0]: expected a number from 6 to 511',
    ],
    [
      'a declaration of a number too great',
      { declared: [[MAX_SERIES, CALLS_BOOKS]] },
      'declared[0]: expected a number from 6 to 511',
    ],
    ['a declaration that is none', { declared: ['six'] }, 'declared[0]: expected a number and labels'],
    ['labels that are none', { declared: [[6, 'six']] }, 'declared[0]: expected labels'],
    [
      'an unknown direction',
      { declared: [[6, { ...CALLS_BOOKS, direction: 'up' }]] },
      'declared[0].direction: expected inbound, outbound',
    ],
    [
      'nothing that is counted',
      { declared: [[6, { direction: 'inbound' }]] },
      'declared[0].counted: expected requests, attempts, connections',
    ],
    [
      'a label too long',
      { declared: [[6, { ...CALLS_BOOKS, routeName: 'x'.repeat(301) }]] },
      'declared[0].routeName: expected a text of at most 300 without controls',
    ],
    [
      'a label that a terminal would obey',
      { declared: [[6, { ...CALLS_BOOKS, routeName: 'a\u001b[2J' }]] },
      'declared[0].routeName: expected a text of at most 300 without controls',
    ],
    [
      'a label that is no text',
      { declared: [[6, { ...CALLS_BOOKS, peerPod: 5 }]] },
      'declared[0].peerPod: expected a text of at most 300 without controls',
    ],
  ] as const) {
    it(`loses nothing else by ${what} (B19)`, () => {
      const other = [8, CALLS_BOOKS];
      const declared = [...fields.declared, other];
      expect(without({ declared })).to.deep.equal({ report: { ...GOOD, declared: [other] }, problems: [problem] });
    });
  }

  for (const [what, change, left] of [
    ['a number of no series', [MAX_SERIES, COUNTER.success, 1], null],
    ['a list of nothing', [], null],
    ['no list', 'six', null],
    ['a negative count', [6, COUNTER.success, -1, COUNTER.failure, 1], [6, COUNTER.failure, 1]],
    ['half a request', [6, COUNTER.success, 0.5, COUNTER.failure, 1], [6, COUNTER.failure, 1]],
    ['a count beyond all bounds', [6, COUNTER.success, MAX_COUNT + 1, COUNTER.failure, 1], [6, COUNTER.failure, 1]],
    ['octets beyond all bounds', [6, COUNTER.readBytes, MAX_BYTES + 1, COUNTER.failure, 1], [6, COUNTER.failure, 1]],
    ['a counter without a count', [6, COUNTER.failure, 1, COUNTER.success], [6, COUNTER.failure, 1]],
    ['a negative counter', [6, -1, 1, COUNTER.failure, 1], [6, COUNTER.failure, 1]],
    ['a text for a count', [6, COUNTER.success, '1', COUNTER.failure, 1], [6, COUNTER.failure, 1]],
  ] as const) {
    it(`loses nothing else by ${what} in what has changed (B19)`, () => {
      const other = [7, COUNTER.success, 2];
      const { report, problems } = without({ changed: [change, other] });
      expect(report).to.deep.equal({ ...GOOD, changed: left === null ? [other] : [left, other] });
      expect(problems).to.have.length(1);
    });
  }

  it('is looked at as far as its bounds go: series, counters of a series, problems (B19)', () => {
    const changed = Array.from({ length: MAX_SERIES + 1 }, () => [6, COUNTER.success, 1]);
    const many = without({ changed });
    expect(many.report).to.have.property('changed').with.length(MAX_SERIES);
    expect(many.problems).to.deep.equal(['changed: 513 items, 512 are looked at']);
    const pairs = Array.from({ length: MAX_COUNTERS + 1 }, () => [COUNTER.success, 1]).flat();
    const long = without({ changed: [[6, ...pairs]] });
    expect(long.report).to.deep.equal({ ...GOOD, changed: [[6, ...pairs.slice(0, -2)]] });
    expect(long.problems).to.deep.equal(['changed[0]: 64 pairs are looked at']);
    const bad = without({ changed: Array.from({ length: 100 }, () => 'six') });
    expect(bad.problems).to.have.length(20);
  });

  it('takes whatever text a proxy has made a label of', () => {
    const texts = fc.string({ unit: 'binary', maxLength: 400 });
    const odd = fc.constantFrom('\u202egpj.exe', 'a\ud800', 'two\nlines', '\u009b31m', `${'x'.repeat(299)}\u{1f600}`);
    fc.assert(
      fc.property(fc.oneof(texts, odd), (text) => {
        const label = labelText(text);
        expect(isLabelText(label), JSON.stringify(label)).to.equal(true);
        if (isLabelText(text)) expect(label).to.equal(text);
      }),
    );
  });

  it('has a series for what finds no room for each kind of sum, and the numbers of the counters never overlap', () => {
    expect(OVERFLOW_SERIES.map(overflowOf)).to.deep.equal([0, 1, 2, 3, 4, 5]);
    expect(OVERFLOW_SERIES).to.have.length(DIRECTIONS.length * COUNTED.length);
    expect(Object.values(COUNTER)).to.deep.equal(Array.from({ length: FIRST_BUCKET }, (_, number) => number));
    expect([BUCKETS, COUNTERS]).to.deep.equal([26, 39]);
  });
});

describe('what asks for traffic reports', () => {
  it('is read within bounds: never more often than a proxy may, 0 for not at all', () => {
    const everyMs = (asked: number) =>
      readTrafficRequest({ type: 'reportTraffic', version: 1, everyMs: asked })?.everyMs;
    expect([0, 1, 1_000, 10_000, 1e9].map(everyMs)).to.deep.equal([0, 500, 1_000, 10_000, 60_000]);
  });

  it('is ignored where it is none', () => {
    for (const value of [null, {}, { type: 'reportTraffic' }, { type: 'reportTraffic', version: 1, everyMs: -1 }]) {
      expect(readTrafficRequest(value)).to.equal(null);
    }
  });
});
