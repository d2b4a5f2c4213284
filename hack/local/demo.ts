/** The demonstration's steps that need neither containers nor root, against the embedded mode (started by `main.ts --demo`). */
import { applyFile, kubectl, NAMESPACE, waitProgrammed } from '../demo/kubectl.ts';
import { runGroup, type Step } from '../demo/step.ts';
import { callers } from '../demo/steps/authorization.ts';
import { canaryStep } from '../demo/steps/canary.ts';
import { retriesStep } from '../demo/steps/retries.ts';
import { timeout } from '../demo/steps/timeout.ts';

const refusedIdentity: Step = {
  id: 'g',
  title: 'ServerAuthorization: the named ServiceAccount, and another',
  commands: ['kubectl apply -f samples/authorization/policy.yaml'],
  async run() {
    await applyFile('samples/authorization/policy.yaml');
    await waitProgrammed('server', 'stock-http', 10_000);
    const checks = await callers();
    await kubectl(['-n', NAMESPACE, 'delete', 'servers,serverauthorizations', '--all']);
    return checks;
  },
};

const canary = canaryStep({ phaseMs: 5_500, minimum: 1000 });
const retries = retriesStep({ runMs: 15_500, downMs: 15_000, minimum: 3000 });
const GROUPS: Step[][][] = [[[timeout]], [[canary], [retries]], [[refusedIdentity]]];

let failed = 0;
for (const group of GROUPS) {
  for (const result of await runGroup(group)) failed += result.checks.filter((entry) => !entry.holds).length;
}
console.log(failed === 0 ? 'every check holds' : `${failed} checks do not hold`);
process.exitCode = failed === 0 ? 0 : 1;
