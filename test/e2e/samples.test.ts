import { authorization } from '../../hack/demo/steps/authorization.ts';
import { away } from '../../hack/demo/steps/away.ts';
import { canaryStep } from '../../hack/demo/steps/canary.ts';
import { weftCheck } from '../../hack/demo/steps/check.ts';
import { invalid } from '../../hack/demo/steps/invalid.ts';
import { pods } from '../../hack/demo/steps/pods.ts';
import { resources } from '../../hack/demo/steps/resources.ts';
import { restart } from '../../hack/demo/steps/restart.ts';
import { retriesStep } from '../../hack/demo/steps/retries.ts';
import { timeout } from '../../hack/demo/steps/timeout.ts';
import { tls } from '../../hack/demo/steps/tls.ts';
import { expectStep } from './steps.ts';

/** The samples on a real cluster, in the order of the demonstration, with fewer requests where only the figure's precision grows with them. */
describe('the sample application in the mesh', function () {
  this.timeout(240_000);
  this.bail(true);

  it('injects the proxy as a native sidecar, and a Job completes', () => expectStep(pods));
  it('is found healthy by weft check', () => expectStep(weftCheck));
  it('shows conditions and columns of every kind, and planted faults', () => expectStep(resources));
  it('encrypts between pods and shows the caller to the receiver', () => expectStep(tls));
  it('ends a slow request at the timeout of its route', () => expectStep(timeout));
  it('refuses an invalid profile with the path of the field', () => expectStep(invalid));
  it('moves a canary by exact shares without a failed request', () =>
    expectStep(canaryStep({ phaseMs: 6_000, minimum: 1000 })));
  it('retries under a budget', () => expectStep(retriesStep({ runMs: 16_000, downMs: 15_000, minimum: 3000 })));
  it('lets in who is authorized, and closes what is revoked', () => expectStep(authorization));
  it('works on while the operator is away', () => expectStep(away));
  it('restarts every workload without a failed request', () => expectStep(restart));
});
