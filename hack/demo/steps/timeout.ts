import { applyFile, get, NAMESPACE, url, waitProgrammed } from '../kubectl.ts';
import { check, type Step } from '../step.ts';

export const timeout: Step = {
  id: 'f',
  title: 'a 2 s handler under a timeout of 500 ms',
  commands: [
    'kubectl apply -f samples/timeouts/profile.yaml',
    `kubectl -n ${NAMESPACE} exec deploy/traffic -c app -- node /app/main.mjs get '${url('stock', '/slow?ms=2000')}'`,
  ],
  async run() {
    await applyFile('samples/timeouts/profile.yaml');
    await get('deploy/traffic', url('stock', '/item'));
    await waitProgrammed('serviceprofile', `stock.${NAMESPACE}.svc.cluster.local`, 30_000);
    const answers = await get('deploy/traffic', url('stock', '/slow?ms=2000'), 3);
    return answers.map((answer, index) =>
      check(
        `try ${index + 1}`,
        '504 within 600 ms',
        `${answer.status} after ${answer.ms} ms`,
        answer.status === 504 && answer.ms <= 600 && answer.ms >= 450,
      ),
    );
  },
};
