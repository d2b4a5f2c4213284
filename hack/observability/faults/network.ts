/** A network that loses what it has been told to carry. */
import { getJson } from '../../demo/kubectl.ts';
import { shell, sleep } from '../../demo/shell.ts';
import { annotateService, type Fault, operatorIsReady, setOperator } from './fault.ts';

/** As a load balancer may, or a firewall, whose table is full. */
const FORGOTTEN_SECONDS = 5;
/** Instead of ten minutes: what is shortened is how long one has to wait, as with the alerts. */
const AUDIT_MS = 10_000;
const AUDIT = 'WEFT_OPERATOR_AUDIT_INTERVAL_MS';
const TABLE = 'ip weft_forgetful';

/** Before kube-proxy translates the address, which is what is forgotten. */
function forgetful(apiServer: string): string {
  return `
table ${TABLE} {
  ct timeout idle { protocol tcp; l3proto ip; policy = { established : ${FORGOTTEN_SECONDS} }; }
  chain services {
    type filter hook prerouting priority -150;
    ip daddr ${apiServer} tcp dport 443 ct timeout set "idle"
  }
}
`;
}

function nft(rules: string): Promise<unknown> {
  return shell('nft', ['-f', '-'], { input: rules });
}

/** Whatever is left of an earlier run. */
const ABSENT = `table ${TABLE}\ndelete table ${TABLE}\n`;

/**
 * The next event of a watch that was quiet comes from an address that the operator's side does not know, and ends the watch at the API server. The operator hears
 * neither of the one nor of the other: its own connection is idle, as it was. Only new connections are concerned, which are those of a new replica.
 */
export const forgetfulNetwork: Fault = {
  title: `a network that forgets the operator's connections after ${FORGOTTEN_SECONDS} quiet seconds, and a change behind its back`,
  alerts: ['WeftMissedChanges'],
  async make() {
    const { spec } = await getJson<{ spec: { clusterIP: string } }>('service', 'kubernetes', '-n', 'default');
    await nft(ABSENT + forgetful(spec.clusterIP));
    await setOperator(`${AUDIT}=${AUDIT_MS}`);
    await operatorIsReady();
    await sleep((FORGOTTEN_SECONDS + 2) * 1_000);
    await annotateService('nobody', 'noticed=late');
  },
  async mend() {
    await nft(ABSENT);
    await setOperator(`${AUDIT}-`);
    await operatorIsReady();
  },
};
