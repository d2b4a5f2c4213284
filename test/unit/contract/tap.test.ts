import { expect } from 'chai';
import { checkControlAnswer } from '../../../proxy-image/contract/control/check.ts';
import { checkTapEvent } from '../../../proxy-image/contract/tap/check-event.ts';
import { checkTapQuestion } from '../../../proxy-image/contract/tap/check-question.ts';
import { TAP_LIMITS } from '../../../proxy-image/contract/tap/question.ts';

const QUESTION = {
  direction: null,
  to: null,
  from: null,
  scheme: '',
  method: '',
  authority: '',
  path: '',
  maxRps: 100,
  share: 1,
  headers: false,
};

function problemsOf(more: object): string[] {
  const checked = checkTapQuestion({ ...QUESTION, ...more });
  return 'problems' in checked ? checked.problems : [];
}

describe('what a proxy is asked to tell of its traffic', () => {
  it('is taken as it is, without fields that nobody knows', () => {
    expect(checkTapQuestion({ ...QUESTION, later: 1 })).to.deep.equal({ question: QUESTION });
  });

  it('is refused, and every mistake named, where a field is missing or no such thing', () => {
    for (const name of Object.keys(QUESTION)) {
      expect(problemsOf({ [name]: undefined }), name).not.to.be.empty;
      expect(problemsOf({ [name]: undefined })[0], name).to.contain(`tap.${name}`);
    }
    expect(problemsOf({ direction: 'both', headers: 'yes' })).to.have.length(2);
  });

  it('has bounds: rates, texts, labels, addresses; a share of nothing is none', () => {
    for (const maxRps of [0, -1, 1.5, TAP_LIMITS.mostRps + 1, '7', Number.NaN])
      expect(problemsOf({ maxRps }), String(maxRps)).to.have.length(1);
    for (const share of [0, -0.5, 1.01, null]) expect(problemsOf({ share }), String(share)).not.to.be.empty;
    expect(problemsOf({ path: 'x'.repeat(TAP_LIMITS.textLength + 1) })).to.have.length(1);
    const many = (count: number) => Array.from({ length: count }, (_, at) => `10.0.0.${at}`);
    expect(problemsOf({ to: { labels: {}, addresses: many(TAP_LIMITS.addresses + 1) } })).to.have.length(1);
    const labels = Object.fromEntries(many(TAP_LIMITS.labels + 1).map((name) => [name, 'x']));
    expect(problemsOf({ to: { labels, addresses: [] } })).to.have.length(1);
  });

  it('a peer that says nothing is a mistake: everything would match it', () => {
    expect(problemsOf({ to: { labels: {}, addresses: [] } })).to.deep.equal(['tap.to: expected a label or an address']);
    expect(problemsOf({ to: {} })).not.to.be.empty;
  });
});

describe('what a proxy tells', () => {
  it('an event of a later version is passed over; what is none is a problem', () => {
    expect(checkTapEvent({ type: 'trailers', id: 1 })).to.deep.equal({ event: null });
    for (const value of [null, [], {}, { type: 7 }, { type: 'opened' }, { type: 'missed', events: -1 }])
      expect(checkTapEvent(value), JSON.stringify(value)).to.have.property('problem');
  });

  it('a refusal of a kind that is not known is one all the same', () => {
    expect(checkControlAnswer({ type: 'refused', reason: 'mood', problems: ['x', 7] })).to.deep.equal({
      answer: { type: 'refused', reason: 'malformed', problems: ['x'] },
    });
  });
});
