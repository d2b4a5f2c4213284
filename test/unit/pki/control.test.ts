import { expect } from 'chai';
import { fromPem } from '../../../operator/pki/certificate.ts';
import { ControlCertificate } from '../../../operator/pki/control.ts';
import type { ServingCredentials } from '../../../operator/pki/serving.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { createTestAuthority } from '../../support/certificates.ts';

const HOUR_MS = 3_600_000;
const NAME = 'weft-operator.weft-system.serviceaccount.identity';

describe('the certificate of the operator towards proxies', () => {
  const start = () => {
    const clock = new FakeClock({ wallOffsetMs: 1_800_000_000_000 });
    const { issuer } = createTestAuthority(clock.wallMs());
    const mesh = { suffix: 'linkerd.cluster.local' };
    const control = new ControlCertificate(
      () => mesh.suffix,
      10 * HOUR_MS,
      () => issuer,
      clock,
    );
    control.present.renewIfDue();
    return { clock, mesh, control };
  };
  const leafOf = (credentials: ServingCredentials | null) => fromPem(credentials!.certPem)[0]!;

  it('follows the suffix of the Mesh, and is still shown under the one before to who asks for it', () => {
    const { mesh, control } = start();
    expect(leafOf(control.present.current).subjectAltName).to.equal(`DNS:${NAME}.linkerd.cluster.local`);
    expect(control.named(`${NAME}.linkerd.cluster.local`)).to.equal(null);
    mesh.suffix = 'mesh.test';
    control.present.renewIfDue();
    expect(leafOf(control.present.current).subjectAltName).to.equal(`DNS:${NAME}.mesh.test`);
    expect(leafOf(control.named(`${NAME}.linkerd.cluster.local`)).subjectAltName).to.equal(
      `DNS:${NAME}.linkerd.cluster.local`,
    );
    expect(control.named(`${NAME}.mesh.test`)).to.equal(null);
  });

  it('is made once for a name, and anew at 70 % of its life', async () => {
    const { clock, control } = start();
    const name = `${NAME}.old.test`;
    const first = control.named(name);
    expect(control.named(name)).to.equal(first);
    await clock.advance(7 * HOUR_MS);
    expect(control.named(name)).not.to.equal(first);
    expect(leafOf(control.named(name)).validToDate.getTime()).to.equal(clock.wallMs() + 10 * HOUR_MS);
  });

  it('is not made for what is no name of the operator', () => {
    const { control } = start();
    const foreign = [
      '',
      NAME,
      `${NAME}.`,
      `${NAME}.*.test`,
      `${NAME}.a..b`,
      'web.shop.serviceaccount.identity.old.test',
    ];
    for (const name of foreign) expect(control.named(name), name).to.equal(null);
  });

  it('is kept for the eight names asked for last', () => {
    const { control } = start();
    const name = (i: number) => `${NAME}.old-${i}.test`;
    const made = Array.from({ length: 8 }, (_, i) => control.named(name(i)));
    expect(control.named(name(0))).to.equal(made[0]);
    control.named(name(8));
    expect(control.named(name(0))).to.equal(made[0]);
    expect(control.named(name(1))).not.to.equal(made[1]);
  });
});
