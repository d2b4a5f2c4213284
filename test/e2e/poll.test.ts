import { tap } from '../../hack/demo/steps/command.ts';
import { poll } from '../../hack/demo/steps/poll.ts';
import { expectStep } from './steps.ts';

/** HTTP and gRPC on a real cluster: what callers, proxies, receivers and live numbers have counted is the same, and the command shows it. */
describe('the poll in the mesh', function () {
  this.timeout(240_000);

  it('is counted by the applications, by their proxies and in live numbers alike', () => expectStep(poll));
  it('is told by weft tap, request by request, and by weft top', () => expectStep(tap));
});
