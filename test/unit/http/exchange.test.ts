import { expect } from 'chai';
import { errorAnswer } from '../../../proxy-image/http/answer.ts';
import { FAILURES } from '../../../proxy-image/http/failures.ts';
import { ReplayMemory } from '../../../proxy-image/http/replay.ts';
import { ExchangeRig, FakeUpstream, http2Response } from './rig.ts';

const LIMITS = { requestBytes: 10, totalBytes: 15 };

describe('exchange', () => {
  it('a body that outgrew its limit leaves nothing behind for the next request', () => {
    const rig = new ExchangeRig(new ReplayMemory(LIMITS));
    rig.begin();
    rig.exchange.send(new FakeUpstream());
    rig.body('more than ten bytes');
    expect(rig.exchange.kept).to.equal(false);
    rig.exchange.cancel();
    rig.begin();
    rig.body('short');
    const upstream = new FakeUpstream();
    rig.exchange.send(upstream);
    rig.exchange.requestEnded();
    expect(upstream.text).to.equal('short');
    expect(rig.exchange.replayable).to.equal(true);
  });

  it('what comes before there is a connection is kept whatever its size, and no more is read', () => {
    const rig = new ExchangeRig(new ReplayMemory(LIMITS));
    rig.begin(false);
    rig.body('more than ten bytes');
    expect(rig.held).to.equal(true);
    const upstream = new FakeUpstream();
    rig.exchange.send(upstream);
    expect(upstream.text).to.equal('more than ten bytes');
    expect(rig.held).to.equal(false);
    expect(rig.replay.usedBytes).to.equal(0);
  });

  it('an attempt that was not processed is followed by one with the same bytes, while the rest still comes', () => {
    const rig = new ExchangeRig();
    rig.begin();
    const first = new FakeUpstream();
    rig.exchange.send(first);
    rig.body('abc');
    rig.exchange.attemptFailed('unsent');
    expect(rig.exchange.kept).to.equal(true);
    expect(rig.exchange.replayable).to.equal(false);
    rig.body('def');
    const second = new FakeUpstream();
    rig.exchange.send(second);
    rig.body('ghi');
    rig.exchange.requestEnded();
    expect(second.text).to.equal('abcdefghi');
    expect(second.said).to.deep.equal(['begin', 'head', 'finish']);
  });

  it('a body that is not kept is not said to be at hand', () => {
    const rig = new ExchangeRig();
    rig.begin(false);
    rig.exchange.send(new FakeUpstream());
    rig.body('abc');
    rig.exchange.requestEnded();
    expect(rig.exchange.kept).to.equal(false);
  });

  it('memory for other tries is free once a response is passed on, whatever still comes', () => {
    const rig = new ExchangeRig(new ReplayMemory(LIMITS));
    rig.begin();
    rig.exchange.send(new FakeUpstream());
    rig.body('abcdef');
    expect(rig.replay.usedBytes).to.equal(6);
    const response = http2Response();
    expect(rig.exchange.responded(response)).to.equal(true);
    rig.exchange.passOn(response, false);
    expect(rig.replay.usedBytes).to.equal(0);
    rig.body('ghi');
    expect(rig.replay.usedBytes).to.equal(0);
  });

  it('what all exchanges keep together is bounded', () => {
    const replay = new ReplayMemory(LIMITS);
    const rigs = [new ExchangeRig(replay), new ExchangeRig(replay)];
    for (const rig of rigs) {
      rig.begin();
      rig.exchange.send(new FakeUpstream());
      rig.body('abcdefghi');
    }
    expect(rigs.map(({ exchange }) => exchange.kept)).to.deep.equal([true, false]);
    for (const rig of rigs) rig.exchange.cancel();
    expect(replay.usedBytes).to.equal(0);
  });

  it('a server without room holds the client back until it has', () => {
    const rig = new ExchangeRig();
    rig.begin();
    const upstream = new FakeUpstream();
    rig.exchange.send(upstream);
    upstream.takes = false;
    rig.body('abc');
    expect(rig.held).to.equal(true);
    rig.exchange.upstreamDrained();
    expect(rig.held).to.equal(false);
  });

  it('says that it has ended once, and lets go of its attempt', () => {
    const rig = new ExchangeRig();
    rig.begin();
    const upstream = new FakeUpstream();
    rig.exchange.send(upstream);
    rig.exchange.answer(errorAnswer(FAILURES.response_timed_out, true));
    rig.exchange.cancel();
    expect(rig.ends).to.deep.equal(['complete']);
    expect(upstream.said.at(-1)).to.equal('abandon');
    expect(rig.said).to.deep.equal(['answer 504', 'over']);
  });

  it('what one attempt has told is not taken for what the next one tells', () => {
    const rig = new ExchangeRig();
    rig.begin();
    rig.exchange.send(new FakeUpstream());
    rig.passesOn = false;
    rig.exchange.responded(http2Response(['grpc-status', '14']));
    rig.exchange.resetCode = 7;
    rig.exchange.detachUpstream();
    rig.exchange.send(new FakeUpstream());
    expect([rig.exchange.status, rig.exchange.grpcStatus, rig.exchange.resetCode]).to.deep.equal([0, -1, -1]);
  });

  it('a reset is passed on to a client that knows resets; every other failure is an answer', () => {
    const rig = new ExchangeRig();
    rig.begin();
    rig.exchange.fail(errorAnswer(FAILURES.connection_lost, true));
    rig.begin();
    rig.exchange.resetCode = 7;
    rig.exchange.fail(errorAnswer(FAILURES.connection_lost, true));
    expect(rig.ends).to.deep.equal(['complete', 'truncated']);
    expect(rig.said).to.deep.equal(['answer 502', 'over', 'over']);
  });

  it('a tunnel goes on to the server when that has ended, and is over when the client has', () => {
    const rig = new ExchangeRig();
    rig.begin();
    const upstream = new FakeUpstream();
    rig.exchange.send(upstream);
    rig.exchange.tunnelHalfEnded();
    rig.body('abc');
    expect([upstream.text, rig.ends.length]).to.deep.equal(['abc', 0]);
    rig.exchange.requestEnded();
    expect(upstream.said).to.deep.equal(['begin', 'head', 'finish']);
    expect(rig.ends).to.deep.equal(['complete']);
  });
});
