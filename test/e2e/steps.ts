import { expect } from 'chai';
import type { Step } from '../../hack/demo/step.ts';

/** Runs a step of the demonstration and fails with every check that does not hold. */
export async function expectStep(step: Step): Promise<void> {
  const checks = await step.run();
  const failed = checks.filter((entry) => !entry.holds);
  expect(
    failed.map((entry) => `${entry.what}: expected ${entry.expected}; measured ${entry.measured}`),
    step.title,
  ).to.deep.equal([]);
  expect(checks, step.title).to.not.be.empty;
}
