import { inspection } from '../../hack/demo/steps/inspection.ts';
import { expectStep } from './steps.ts';

/** Behind the other files, whose samples it looks at. What the verbs print otherwise is tested without a cluster. */
describe('verbs that ask pods and proxies', function () {
  this.timeout(120_000);

  it('are answered by way of the API server, and from within the pods', () => expectStep(inspection));
});
