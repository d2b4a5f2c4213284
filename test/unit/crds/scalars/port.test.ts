import { expect } from 'chai';
import { formatPortRanges, parsePort, parsePortOrName, parsePortRanges } from '../../../../crds/scalars/port.ts';
import { portInRanges } from '../../../../proxy-image/contract/port-ranges.ts';

describe('ports', () => {
  it('are integers from 1 to 65535, as number or decimal text', () => {
    for (const value of [1, 65_535, '1', '65535', '00080']) expect(parsePort(value).ok, String(value)).to.equal(true);
    for (const value of [
      0,
      -1,
      65_536,
      1.5,
      Number.NaN,
      '',
      '0',
      '65536',
      '-1',
      '1.5',
      '0x50',
      ' 80',
      'http',
      null,
      [80],
    ]) {
      expect(parsePort(value).ok, String(value)).to.equal(false);
    }
  });

  it('may be names of container ports where a name is allowed', () => {
    for (const name of ['http', 'linkerd-admin', 'a', 'p-8080', '8080-p']) {
      expect(parsePortOrName(name)).to.deep.equal({ ok: true, value: name });
    }
    expect(parsePortOrName('8080')).to.deep.equal({ ok: true, value: 8080 });
    for (const name of ['', 'Http', 'a_b', '-a', 'a-', 'a--b', 'sixteen-letters-x', '70000', true]) {
      expect(parsePortOrName(name).ok, String(name)).to.equal(false);
    }
  });
});

describe('lists of ports and ranges', () => {
  it('keep their order; spaces and empty entries do not matter', () => {
    expect(parsePortRanges('25, 4444-5555 ,,80')).to.deep.equal({
      ok: true,
      value: [
        [25, 25],
        [4444, 5555],
        [80, 80],
      ],
    });
    expect(parsePortRanges('')).to.deep.equal({ ok: true, value: [] });
  });

  it('refuse inverted ranges, numbers out of range and hostile lengths', () => {
    for (const text of ['20-10', '1-', '-1', '1-2-3', '0', '1-70000', 'a-b', '1;2']) {
      expect(parsePortRanges(text).ok, text).to.equal(false);
    }
    expect(parsePortRanges('1,'.repeat(200_000)).ok).to.equal(false);
  });

  it('print as they are written, and answer whether a port is in them', () => {
    const ranges: [number, number][] = [
      [25, 25],
      [4444, 5555],
    ];
    expect(formatPortRanges(ranges)).to.equal('25,4444-5555');
    expect([24, 25, 26, 4443, 4444, 5555, 5556].map((port) => portInRanges(port, ranges))).to.deep.equal([
      false,
      true,
      false,
      false,
      true,
      true,
      false,
    ]);
  });
});
