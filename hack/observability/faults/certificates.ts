/** Certificates of the control plane that are near their end, and are not renewed. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CONTROL_PLANE_NAMESPACE,
  ISSUER_SECRET,
  WEBHOOK_AUTHORITY_SECRET,
} from '../../../proxy-image/contract/names.ts';
import { getJson, kubectl } from '../../demo/kubectl.ts';
import { shell } from '../../demo/shell.ts';
import { type Fault, patchMesh, Rights } from './fault.ts';

const SECRETS = new Rights(
  ['role', 'weft-operator', '-n', CONTROL_PLANE_NAMESPACE],
  ({ resources = [], verbs = [] }) => resources.includes('secrets') && verbs.includes('patch'),
);

/** An issuer that lives a minute, made anew because its Secret is gone, and due when 70 % of that are over. */
export const issuerNotRenewed: Fault = {
  title: 'an issuer that lives a minute and may not be renewed',
  alerts: ['WeftIssuerExpiring', 'WeftCertificateRenewalFailing'],
  async make() {
    await SECRETS.take();
    await patchMesh({ certificateLifetime: '20s', issuerLifetime: '60s' });
    await forgetIssuer();
  },
  async mend() {
    await SECRETS.giveBack();
    await patchMesh({});
    await forgetIssuer();
  },
};

/** The operator makes another one, signed by the same anchor. */
function forgetIssuer(): Promise<unknown> {
  return kubectl(['-n', CONTROL_PLANE_NAMESPACE, 'delete', 'secret', ISSUER_SECRET]);
}

/** The alert begins at 30. */
const DAYS_LEFT = 20;
const SUBJECT = '/CN=webhooks.example';

type SecretData = Record<string, string>;
const WEBHOOK_AUTHORITY = ['secret', WEBHOOK_AUTHORITY_SECRET, '-n', CONTROL_PLANE_NAMESPACE];
let kept: SecretData | null = null;

/** A key is no argument, which every user of the machine could read. */
async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-authority-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function writeWebhookAuthority(data: SecretData): Promise<void> {
  await inFolder((folder) => {
    const patch = join(folder, 'patch.json');
    writeFileSync(patch, JSON.stringify({ data }));
    return kubectl(['patch', ...WEBHOOK_AUTHORITY, '--type=merge', `--patch-file=${patch}`]);
  });
}

/** As a Secret has it. API servers go on trusting `present`, which is in force until they hear of the other. */
function broughtAuthority(present: SecretData): Promise<SecretData> {
  return inFolder(async (folder) => {
    const [key, certificate] = [join(folder, 'tls.key'), join(folder, 'tls.crt')];
    const form = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', String(DAYS_LEFT)];
    const usage = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign'];
    await shell('openssl', ['req', '-x509', ...form, ...usage, '-subj', SUBJECT, '-keyout', key, '-out', certificate]);
    const anchors = Buffer.concat([readFileSync(certificate), Buffer.from(present['ca.crt'] ?? '', 'base64')]);
    return {
      'tls.crt': readFileSync(certificate, 'base64'),
      'tls.key': readFileSync(key, 'base64'),
      'ca.crt': anchors.toString('base64'),
    };
  });
}

/** The operator uses what others bring, and never writes over it: they are who renews it. */
export const broughtWebhookAuthority: Fault = {
  title: `an authority of the webhooks that somebody has brought, and that ends in ${DAYS_LEFT} days`,
  alerts: ['WeftCertificateExpiring'],
  async make() {
    const { data } = await getJson<{ data: SecretData }>(...WEBHOOK_AUTHORITY);
    await writeWebhookAuthority(await broughtAuthority(data));
    kept = data;
  },
  async mend() {
    if (kept !== null) await writeWebhookAuthority(kept);
    kept = null;
  },
};
