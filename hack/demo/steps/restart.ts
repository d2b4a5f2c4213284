import { kubectl, NAMESPACE, rollout, url } from '../kubectl.ts';
import { sleep } from '../shell.ts';
import { check, type Step } from '../step.ts';
import { failures, LoadControl } from '../traffic.ts';
import { allPods } from './pods.ts';

/** Every workload but the one that counts. */
const RESTARTED = ['deploy/web', 'deploy/catalog-v1', 'deploy/catalog-v2', 'deploy/stock'];

export const restart: Step = {
  id: 'k',
  title: 'rolling restart of every workload under 200 requests a second',
  commands: [`kubectl -n ${NAMESPACE} rollout restart ${RESTARTED.join(' ')}`],
  async run() {
    const load = new LoadControl('restart');
    await load.start({ url: url('web', '/'), rps: 200, phase: 'restart' });
    await sleep(1000);
    await kubectl(['-n', NAMESPACE, 'rollout', 'restart', ...RESTARTED]);
    await rollout(NAMESPACE, ...RESTARTED);
    await sleep(3000);
    const report = (await load.stop())['restart']!;
    const failed = failures(report);
    const measured = `${failed} of ${report.sent} ${report.examples.join('; ')}`.trim();
    return [check('failed requests', '0', measured, failed === 0 && report.sent > 2000), await allPods()];
  },
};
