import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { VERSION } from '../../../proxy-image/contract/version.ts';
import { SnapshotFile } from '../../../proxy-image/io/config-source/snapshot-file.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { MemoryLogger } from '../../fakes/logger.ts';
import { FakeTimers } from '../../fakes/timers.ts';

describe('snapshot file', () => {
  let folder: string;
  let clock: FakeClock;
  let log: MemoryLogger;
  let written: number;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'weft-snapshot-'));
    clock = new FakeClock();
    log = new MemoryLogger();
    written = 0;
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function create(dir = folder): SnapshotFile {
    const snapshot = () => JSON.stringify({ count: ++written });
    return new SnapshotFile(dir, snapshot, new FakeTimers(clock), log);
  }

  it('is written a second after the first change, and at most every ten seconds under churn', () => {
    const file = create();
    for (let second = 0; second < 31; second++) {
      file.changed();
      clock.advanceSync(1000);
    }
    expect(written).to.equal(4);
    expect(file.load()).to.deep.equal({ count: 4 });
  });

  it('is not written when nothing has changed', () => {
    const file = create();
    file.flush();
    clock.advanceSync(60_000);
    expect(written).to.equal(0);
    expect(file.load()).to.equal(null);
  });

  it('is for its owner alone, whatever was left from before', () => {
    writeFileSync(join(folder, 'snapshot.json.new'), 'left over', { mode: 0o666 });
    const file = create();
    file.changed();
    file.flush();
    expect(statSync(join(folder, 'snapshot.json')).mode & 0o777).to.equal(0o600);
    expect(JSON.parse(readFileSync(join(folder, 'snapshot.json'), 'utf8'))).to.deep.equal({ count: 1 });
  });

  it('that cannot be written is reported, and tried again with the next change', () => {
    writeFileSync(join(folder, 'file'), '');
    const file = create(join(folder, 'file', 'below'));
    file.changed();
    clock.advanceSync(1000);
    expect(log.codes).to.deep.equal(['WEFT_STATE_FILE']);
    file.changed();
    clock.advanceSync(10_000);
    expect(log.codes).to.have.length(2);
  });
});

describe('version of the proxy', () => {
  it('is that of the package', () => {
    const manifest = readFileSync(join(import.meta.dirname, '..', '..', '..', 'package.json'), 'utf8');
    expect(VERSION).to.equal(JSON.parse(manifest).version);
  });
});
