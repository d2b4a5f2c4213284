import { applyText, NAMESPACE } from '../kubectl.ts';
import { check, type Step } from '../step.ts';

/** A profile whose second route has a regular expression that does not compile. */
export function invalidProfile(service: string): string {
  return `apiVersion: linkerd.io/v1alpha2
kind: ServiceProfile
metadata: { name: ${service}.${NAMESPACE}.svc.cluster.local, namespace: ${NAMESPACE} }
spec:
  routes:
    - name: good
      condition: { method: GET, pathRegex: /item }
    - name: bad
      condition: { method: GET, pathRegex: "/item/(" }
`;
}

export const invalid: Step = {
  id: 'i',
  title: 'an invalid ServiceProfile is refused with the path of the field',
  commands: ['kubectl apply -f - <<< "… pathRegex: /item/( …"'],
  async run() {
    const answer = await applyText(invalidProfile('web'), { anyStatus: true });
    const path = 'spec.routes[1].condition.pathRegex';
    const refused = answer.code !== 0 && answer.stderr.includes(path);
    return [check('kubectl apply', `refused, naming ${path}`, answer.stderr.trim().slice(0, 300), refused)];
  },
};
