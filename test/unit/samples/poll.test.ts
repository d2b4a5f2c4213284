import type { AddressInfo } from 'node:net';
import type { Server as GrpcServer } from '@grpc/grpc-js';
import { expect } from 'chai';
import { fraction, Xoshiro } from '../../../proxy-image/core/rng.ts';
import { ballotsServer } from '../../../samples/poll/ballots.ts';
import { Counts, type CountsReport } from '../../../samples/poll/counts.ts';
import { patternsServer } from '../../../samples/poll/patterns.ts';
import { listen, shutdown } from '../../../samples/poll/rpc.ts';
import { Voters } from '../../../samples/poll/voters.ts';
import { WEAVES } from '../../../samples/poll/weaves.ts';
import { Web } from '../../../samples/poll/web.ts';
import { eventually } from '../../support/eventually.ts';

const HOST = '127.0.0.1';
const FAILING = 'houndstooth';
const SHARE = 0.15;
const OK = '0';
const INTERNAL = '13';

type Tally = CountsReport['sent'];

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
const endings = (tally: Tally): number[] => Object.values(tally).flatMap((each) => Object.values(each));

/** Votes of a tally whose operations begin with `prefix`, by how they ended. */
function votes(tally: Tally, prefix: string): Record<string, number> {
  const total: Record<string, number> = {};
  for (const [operation, ended] of Object.entries(tally)) {
    if (!operation.startsWith(prefix)) continue;
    for (const [ending, count] of Object.entries(ended)) total[ending] = (total[ending] ?? 0) + count;
  }
  return total;
}

describe('the poll, over real sockets without a mesh', () => {
  const counts = { patterns: new Counts(), ballots: new Counts(), web: new Counts(), voters: new Counts() };
  let patterns: GrpcServer;
  let ballots: GrpcServer;
  let web: Web;
  let voters: Voters;
  let url = '';

  beforeEach(async () => {
    for (const name of ['patterns', 'ballots', 'web', 'voters'] as const) counts[name] = new Counts();
    patterns = patternsServer(counts.patterns);
    ballots = ballotsServer(counts.ballots, FAILING);
    web = new Web({
      patterns: `${HOST}:${await listen(patterns, HOST, 0)}`,
      ballots: `${HOST}:${await listen(ballots, HOST, 0)}`,
      counts: counts.web,
    });
    await new Promise<void>((resolve) => web.server.listen(0, HOST, resolve));
    url = `http://${HOST}:${(web.server.address() as AddressInfo).port}`;
    const rng = new Xoshiro(20_261_130);
    const random = () => fraction(rng);
    voters = new Voters({
      url,
      perSecond: 0,
      favourite: FAILING,
      favouriteShare: SHARE,
      counts: counts.voters,
      random,
    });
  });

  afterEach(async () => {
    await voters.stop();
    await web.close();
    await Promise.all([shutdown(patterns), shutdown(ballots)]);
  });

  async function rounds(count: number): Promise<void> {
    for (let done = 0; done < count; done += 20) await Promise.all(Array.from({ length: 20 }, () => voters.round()));
  }

  it('fails the votes for one pattern, 15 % of all, and nothing else', async () => {
    await rounds(1000);
    const { sent } = counts.voters.report();
    const cast = votes(sent, 'POST /votes/');
    expect(Object.keys(cast).sort()).to.deep.equal(['200', '500']);
    expect(sum(Object.values(cast))).to.equal(1000);
    // Four standard deviations of 1000 votes are 4.5 %.
    expect(cast['500']! / 1000).to.be.closeTo(SHARE, 0.045);
    expect(sent[`POST /votes/${FAILING}`]).to.deep.equal({ '500': cast['500'] });
    for (const [operation, ended] of Object.entries(sent)) {
      if (operation !== `POST /votes/${FAILING}`) expect(Object.keys(ended), operation).to.deep.equal(['200']);
    }
    expect(Object.keys(sent).filter((operation) => operation.startsWith('POST'))).to.have.length(WEAVES.length);
  });

  it('counts the same at both ends of every call', async () => {
    await rounds(200);
    const [web, voting] = [counts.web.report(), counts.voters.report()];
    expect(web.received).to.deep.equal(voting.sent);
    const behind = { ...counts.patterns.report().received, ...counts.ballots.report().received };
    expect(web.sent).to.deep.equal(behind);
    const refused = votes(web.sent, '/weft.poll.v1.Ballots/VoteHoundstooth');
    expect(refused).to.deep.equal({ [INTERNAL]: votes(voting.sent, 'POST ')['500'] });
    expect(web.sent['/weft.poll.v1.Patterns/Find']).to.deep.equal({ [OK]: 200 });
    // A round in ten looks at the page and at the leaderboard.
    expect(sum(endings(web.received))).to.equal(2 * 200 + 2 * 20);
  });

  it('shows each vote on the leaderboard, most votes first', async () => {
    for (const path of ['/votes/twill', '/votes/leno', '/votes/leno', `/votes/${FAILING}`])
      await fetch(url + path, { method: 'POST' });
    const board = (await (await fetch(`${url}/leaderboard`)).json()) as object[];
    expect(board).to.have.length(WEAVES.length);
    expect(board.slice(0, 3)).to.deep.equal([
      { pattern: 'leno', votes: 2 },
      { pattern: 'twill', votes: 1 },
      { pattern: 'basket', votes: 0 },
    ]);
  });

  it('answers a page that names only what this server has', async () => {
    const response = await fetch(url);
    const page = await response.text();
    expect(response.headers.get('content-type')).to.match(/^text\/html/);
    expect(page).to.contain('Which weave');
    expect(page).to.not.match(/(src|href)=|https?:/);
    for (const path of ['/patterns', '/leaderboard', '/votes/']) expect(page).to.contain(`'${path}'`);
  });

  it('answers 404 to what there is not, and counts it as one thing', async () => {
    for (const path of ['/votes/polka-dots', '/votes/__proto__']) {
      const response = await fetch(url + path, { method: 'POST' });
      expect(response.status, path).to.equal(404);
    }
    for (const path of ['/votes/twill', '/elsewhere']) expect((await fetch(url + path)).status, path).to.equal(404);
    expect(counts.web.report().received).to.deep.equal({
      'POST /votes/(unknown)': { '404': 2 },
      '(unknown)': { '404': 2 },
    });
  });

  it('answers 500 and counts the calls while a service is away', async () => {
    ballots.forceShutdown();
    expect((await fetch(`${url}/votes/twill`, { method: 'POST' })).status).to.equal(500);
    expect(counts.web.report().sent['/weft.poll.v1.Ballots/VoteTwill']).to.deep.equal({ '14': 1 });
  });

  it('counts a request without an answer by its error', async () => {
    await web.close();
    await voters.round();
    expect(counts.voters.report().sent).to.deep.equal({ 'GET /': { ECONNREFUSED: 1 } });
  });

  it('votes at the rate that is set, and rests at 0 with nothing under way', async () => {
    await Promise.all([voters.setRate(1), voters.setRate(200)]);
    await eventually('50 votes', () => sum(Object.values(votes(counts.voters.report().sent, 'POST '))) >= 50);
    await voters.setRate(0);
    const atRest = structuredClone(counts.voters.report());
    expect(counts.web.report().received).to.deep.equal(atRest.sent);
    await fetch(url);
    expect(counts.voters.report()).to.deep.equal(atRest);
  });
});
