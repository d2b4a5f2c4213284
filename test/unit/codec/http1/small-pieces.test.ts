import { expect } from 'chai';
import type { FakeConnection } from './rig.ts';
import { Rig } from './rig.ts';

const HEAD = 'POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n';
const COUNT = 4000;
const CHUNKS = '1\r\na\r\n'.repeat(COUNT);

/** Writes to this connection from now on. */
function countWrites(connection: FakeConnection): () => number {
  let writes = 0;
  const write = connection.write.bind(connection);
  connection.write = (...args) => {
    writes++;
    return write(...args);
  };
  return () => writes;
}

describe('HTTP/1 codec: bodies in tiny pieces', () => {
  it('B17: one-byte chunks that come together go on together: writes are bounded by reads, not by chunks', () => {
    const rig = new Rig();
    rig.client.receive(HEAD);
    const writes = countWrites(rig.upstream!);
    rig.client.receive(`${CHUNKS}0\r\n\r\n`);
    expect(rig.forwarded.endsWith(`${CHUNKS}0\r\n\r\n`)).to.equal(true);
    expect(writes()).to.be.at.most(2);
  });

  it('B17: … also where each carries an extension, which is cut out', () => {
    const rig = new Rig();
    rig.client.receive(HEAD);
    const writes = countWrites(rig.upstream!);
    rig.client.receive(`${'1;x\r\na\r\n'.repeat(COUNT)}0\r\n\r\n`);
    expect(rig.forwarded.endsWith(`${CHUNKS}0\r\n\r\n`)).to.equal(true);
    expect(writes()).to.be.at.most(3);
  });

  it('B17: a body in single octets takes a write for each read at most', () => {
    const rig = new Rig();
    rig.client.receive(HEAD);
    const writes = countWrites(rig.upstream!);
    const body = '1\r\na\r\n'.repeat(100);
    for (const octet of body) rig.client.receive(octet);
    expect(rig.forwarded.endsWith(body)).to.equal(true);
    expect(writes()).to.be.at.most(body.length);
  });

  it('B17: one-byte chunks of a response go on together too', () => {
    const rig = new Rig();
    rig.client.receive('GET / HTTP/1.1\r\nHost: web\r\n\r\n');
    rig.upstream!.receive('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const writes = countWrites(rig.client);
    rig.upstream!.receive(`${CHUNKS}0\r\n\r\n`);
    expect(rig.client.text.endsWith(`${CHUNKS}0\r\n\r\n`)).to.equal(true);
    expect(writes()).to.be.at.most(2);
  });

  it('B17: … and without their framing to an HTTP/1.0 client', () => {
    const rig = new Rig();
    rig.client.receive('GET / HTTP/1.0\r\nHost: web\r\n\r\n');
    rig.upstream!.receive('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const writes = countWrites(rig.client);
    rig.upstream!.receive(`${CHUNKS}0\r\n\r\n`);
    expect(rig.client.text.endsWith(`\r\n\r\n${'a'.repeat(COUNT)}`)).to.equal(true);
    expect(writes()).to.be.at.most(2);
  });

  it('B17: a head in single octets is read once for each of its lines', () => {
    const rig = new Rig();
    const fields = Array.from({ length: 150 }, (_, i) => `x-${i}: ${'v'.repeat(20)}\r\n`).join('');
    for (const octet of `GET / HTTP/1.1\r\nHost: web\r\n${fields}\r\n`) rig.client.receive(octet);
    expect(rig.behind).to.have.length(1);
    expect(rig.forwarded).to.contain(fields);
  });
});
