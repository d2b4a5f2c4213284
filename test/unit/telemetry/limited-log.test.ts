import { expect } from 'chai';
import type { LogLevel } from '../../../proxy-image/contract/log-levels.ts';
import { LimitedLog } from '../../../proxy-image/io/telemetry/limited-log.ts';
import { JsonLogger } from '../../../proxy-image/io/telemetry/log.ts';

describe('a log that is limited', () => {
  let lines: Record<string, unknown>[];
  let nowMs: number;
  let log: LimitedLog;
  let level: LogLevel;

  beforeEach(() => {
    lines = [];
    nowMs = 0;
    level = 'info';
    const sink = {
      get level() {
        return level;
      },
      write: (line: string) => lines.push(JSON.parse(line)),
      wallMs: () => 0,
    };
    log = new LimitedLog(new JsonLogger(sink), () => nowMs);
  });

  function flood(count: number, reason = 'because'): void {
    for (let i = 0; i < count; i++) log.info('connection refused', { reason, i });
  }

  it('writes every line while there are few', () => {
    flood(10);
    expect(lines.map(({ i }) => i)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(lines[0]).to.include({ level: 'info', message: 'connection refused', reason: 'because' });
    expect(lines[0]).not.to.have.property('suppressed');
  });

  it('of a flood it writes a line now and then, which says how many were left out', () => {
    flood(10_000);
    expect(lines).to.have.length(10);
    nowMs = 10_000;
    flood(10_000);
    expect(lines).to.have.length(11);
    expect(lines[10]).to.include({ suppressed: 9990, i: 0 });
  });

  it('a quiet time gives back what a burst has used', () => {
    flood(20);
    nowMs = 1_000_000;
    flood(20);
    expect(lines).to.have.length(20);
    flood(1);
    expect(lines).to.have.length(20);
  });

  it('tells messages and reasons apart: a flood of one hides none of the others', () => {
    flood(10_000);
    flood(1, 'another reason');
    log.warn('something else');
    expect(lines).to.have.length(12);
    expect(lines[11]).to.include({ level: 'warn', message: 'something else' });
  });

  it('does not keep every reason that somebody may think of', () => {
    for (let i = 0; i < 10_000; i++) flood(1, `reason ${i}`);
    expect(lines.length).to.be.lessThan(300);
  });

  it('a child has the same bounds as its parent', () => {
    flood(10);
    log.child({ port: 80 }).info('connection refused', { reason: 'because' });
    expect(lines).to.have.length(10);
  });

  it('lines below the level cost nothing of the bound, and debug is not bounded', () => {
    level = 'warn';
    flood(10_000);
    level = 'debug';
    flood(10);
    expect(lines).to.have.length(10);
    for (let i = 0; i < 100; i++) log.debug('could not connect', {});
    expect(lines).to.have.length(110);
  });
});
