import { expect } from 'chai';
import { renewalTimeMs } from '../../../proxy-image/io/identity/schedule.ts';
import { usableAddresses } from '../../../proxy-image/run/listeners.ts';

const DAY_MS = 86_400_000;

describe('renewal of a certificate', () => {
  it('is due at 65 to 75 % of what was left', () => {
    expect(renewalTimeMs(1000, 1000 + DAY_MS, 0)).to.be.closeTo(1000 + 0.65 * DAY_MS, 1);
    expect(renewalTimeMs(1000, 1000 + DAY_MS, 0.5)).to.be.closeTo(1000 + 0.7 * DAY_MS, 1);
    expect(renewalTimeMs(1000, 1000 + DAY_MS, 1)).to.be.closeTo(1000 + 0.75 * DAY_MS, 1);
  });

  it('is never asked for in a loop, however short the life', () => {
    expect(renewalTimeMs(1000, 1001, 0.5)).to.equal(2000);
    expect(renewalTimeMs(1000, 0, 0.5)).to.equal(2000);
  });
});

describe('addresses to listen on', () => {
  const wanted = ['127.0.0.1', '::1', '::', 'fd00::1'].map((ip) => ({ ip, port: 4140 }));
  const usable = (interfaces: string | null) => usableAddresses(wanted, interfaces).map(({ ip }) => ip);

  it('are those asked for where there is IPv6', () => {
    const interfaces = '00000000000000000000000000000001 01 80 10 80       lo\n';
    expect(usable(interfaces)).to.deep.equal(['127.0.0.1', '::1', '::', 'fd00::1']);
  });

  it('are without the loopback where IPv6 is switched off in the pod', () => {
    expect(usable('')).to.deep.equal(['127.0.0.1', '::', 'fd00::1']);
  });

  it('are IPv4 alone where the kernel has no IPv6', () => {
    expect(usable(null)).to.deep.equal(['127.0.0.1', '0.0.0.0']);
  });
});
