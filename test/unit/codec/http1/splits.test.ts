import { expect } from 'chai';
import fc from 'fast-check';
import { BAD_REQUESTS, GOOD_REQUESTS, GOOD_RESPONSES } from './messages.ts';
import { readMessages } from './reference.ts';
import { cut, Rig } from './rig.ts';

interface Outcome {
  forwarded: string;
  answered: string;
  closed: boolean;
}

function outcome(parts: string[]): Outcome {
  const rig = new Rig();
  rig.exchangeAll(parts);
  const { client } = rig;
  return { forwarded: rig.forwarded, answered: client.text, closed: client.ended || !client.isOpen };
}

describe('HTTP/1 codec: how the bytes are cut does not matter', () => {
  for (const request of GOOD_REQUESTS) {
    it(`cut in two at every place: ${JSON.stringify(request).slice(0, 60)}`, () => {
      const whole = outcome([request]);
      expect(whole.closed).to.equal(false);
      expect(readMessages(whole.forwarded, false)).to.have.length(1);
      for (let at = 1; at < request.length; at++) {
        expect(outcome(cut(request, [at])), `at ${at}`).to.deep.equal(whole);
      }
      expect(outcome([...request]), 'in single bytes').to.deep.equal(whole);
    });
  }

  for (const request of BAD_REQUESTS) {
    it(`refused wherever it is cut: ${JSON.stringify(request).slice(0, 70)}`, () => {
      const whole = outcome([request]);
      expect(whole.closed).to.equal(true);
      for (let at = 1; at < request.length; at++) {
        const other = outcome(cut(request, [at]));
        expect(other.answered, `at ${at}`).to.equal(whole.answered);
        expect(other.closed).to.equal(true);
        // A head may have gone on before its body turned out to be wrong.
        expect(readMessages(other.forwarded, false)).to.deep.equal([]);
      }
    });
  }

  it('streams of pipelined requests, good and bad, cut anywhere', () => {
    const stream = fc.array(fc.constantFrom(...GOOD_REQUESTS), { maxLength: 5 });
    const last = fc.option(fc.constantFrom(...BAD_REQUESTS), { nil: '' });
    const positions = fc.array(fc.nat(900), { maxLength: 12 });
    fc.assert(
      fc.property(stream, last, positions, (requests, bad, at) => {
        const text = requests.join('') + bad;
        const whole = outcome([text]);
        const parts = outcome(cut(text, at));
        expect(parts.answered).to.equal(whole.answered);
        expect(parts.closed).to.equal(whole.closed);
        expect(readMessages(parts.forwarded, false)).to.deep.equal(readMessages(whole.forwarded, false));
        expect(readMessages(whole.forwarded, false)).to.have.length(requests.length);
      }),
      { numRuns: 300 },
    );
  });

  for (const response of GOOD_RESPONSES) {
    it(`a response cut at every place: ${JSON.stringify(response).slice(0, 60)}`, () => {
      const request = 'GET / HTTP/1.1\r\nHost: web\r\n\r\n';
      const answer = (parts: string[]): string => {
        const rig = new Rig();
        rig.client.receive(request);
        const { upstream } = rig;
        for (const part of parts) upstream.receive(part);
        expect(rig.ends).to.deep.equal(['complete']);
        expect(upstream.isOpen).to.equal(true);
        return rig.client.text;
      };
      const whole = answer([response]);
      expect(readMessages(whole, true)).not.to.deep.equal([]);
      expect(whole).not.to.contain('forged');
      for (let at = 1; at < response.length; at++) expect(answer(cut(response, [at])), `at ${at}`).to.equal(whole);
      expect(answer([...response])).to.equal(whole);
    });
  }

  it('partial writes on both sides lose and repeat nothing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), (roomBehind, roomFront) => {
        const rig = new Rig();
        rig.client.receive('GET /first HTTP/1.1\r\nHost: web\r\n\r\n');
        rig.client.room = roomFront;
        rig.upstream.receive('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n');
        for (let i = 0; i < 5; i++) rig.upstream.receive('0123456789');
        expect(rig.upstream.paused).to.equal(true);
        for (let i = 0; i < 5; i++) rig.upstream.receive('0123456789');
        for (let i = 0; i < 300 && rig.server.outbox.pendingBytes > 0; i++) rig.client.handler.onDrain(rig.client);
        expect(rig.client.text).to.match(/\r\n\r\n(0123456789){10}$/);
        rig.upstream.room = roomBehind;
        rig.client.receive(`POST /second HTTP/1.1\r\nHost: web\r\nContent-Length: 50\r\n\r\n${'x'.repeat(20)}`);
        rig.client.receive('y'.repeat(30));
        for (let i = 0; i < 300; i++) rig.upstream.handler.onDrain(rig.upstream);
        expect(rig.upstream.text).to.match(/\r\n\r\nx{20}y{30}$/);
        expect(rig.client.paused).to.equal(false);
      }),
      { numRuns: 100 },
    );
  });
});
