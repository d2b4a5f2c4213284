import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { PairProcess } from '../grpc/pair-process.ts';
import { Burners } from './burners.ts';
import { Download, type DownloadResult } from './download.ts';

const DOWNLOADS = 400;
const BYTES = 50_000_000;
/** Read of each answer, and more until the last has begun; on demand all of it, which takes minutes. */
const ENOUGH_BYTES = Number(process.env['WEFT_DOWNLOAD_BYTES'] ?? 2_000_000);
const BYTES_PER_MS = 20_000;
const LIMIT_MS = 60_000 + (ENOUGH_BYTES * DOWNLOADS) / 50_000;

/** Each download needs a connection of its own between the proxies, whose handshake has to come through between the bytes of all the others. */
describe(`${DOWNLOADS} downloads at once through a pair of proxies`, function () {
  this.timeout(LIMIT_MS);
  let application: ChildProcess;
  let pair: PairProcess;
  const burners = new Burners();

  beforeEach(async () => {
    const script = path.join(import.meta.dirname, 'bulk-application.ts');
    application = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const line = await new Promise<string>((resolve) => createInterface(application.stdout!).once('line', resolve));
    pair = await PairProcess.start({ protocol: 'detect', applicationPorts: [Number(line)] });
  });
  afterEach(async () => {
    burners.stop();
    await pair.stop();
    application.stdin!.end();
  });

  /** Nobody leaves before everybody's answer has begun. */
  const download = async (): Promise<DownloadResult[]> => {
    const port = pair.ports.applications[0]!.outboundPort;
    const options = { port, bytes: BYTES, enoughBytes: ENOUGH_BYTES, bytesPerMs: BYTES_PER_MS };
    const downloads = Array.from({ length: DOWNLOADS }, () => new Download(options));
    await Promise.all(downloads.map(({ begun }) => begun));
    for (const each of downloads) each.mayLeave();
    return Promise.all(downloads.map(({ result }) => result));
  };

  it('all are served', async () => {
    const results = await download();
    expect(results.filter(({ ending }) => ending !== 'enough')).to.deep.equal([]);
  });

  it('all are served beside a busy loop on each core', async () => {
    burners.start();
    const results = await download();
    expect(results.filter(({ ending }) => ending !== 'enough')).to.deep.equal([]);
  });
});
