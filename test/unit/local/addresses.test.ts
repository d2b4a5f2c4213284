import { expect } from 'chai';
import { rewriteUrls } from '../../../hack/local/addresses.ts';

const SERVICES = [
  { namespace: 'poll', name: 'web', clusterIP: '10.96.0.1', ports: [80] },
  { namespace: 'poll', name: 'ballots', clusterIP: '10.96.0.2', ports: [8080] },
];

/** Pod 3 finds the first Service at 127.103.0.1, the second at 127.103.0.2; 20000 is added to ports. */
const CASES: Readonly<Record<string, string>> = {
  'http://web.poll.svc.cluster.local/votes?a=b': 'http://127.103.0.1:20080/votes?a=b',
  'http://web.poll.svc.cluster.local:8080': 'http://127.103.0.1:28080',
  'ballots.poll.svc.cluster.local:8080': '127.103.0.2:28080',
  'a name alone is no address: ballots.poll.svc.cluster.local':
    'a name alone is no address: ballots.poll.svc.cluster.local',
  'http://nobody.poll.svc.cluster.local/': 'http://nobody.poll.svc.cluster.local/',
  'http://example.test/': 'http://example.test/',
};

describe('addresses of the embedded mode', () => {
  for (const [text, expected] of Object.entries(CASES)) {
    it(`${text} is ${expected === text ? 'left' : expected} for the third pod`, () => {
      expect(rewriteUrls(text, 3, SERVICES)).to.equal(expected);
    });
  }
});
