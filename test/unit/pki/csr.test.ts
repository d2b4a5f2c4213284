import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  bits,
  children,
  content,
  decode,
  encode,
  explicit,
  integer,
  oid,
  sequence,
  set,
  utf8,
} from '../../../operator/pki/asn1.ts';
import { commonName, generateKeyPair, type KeyPair } from '../../../operator/pki/certificate.ts';
import { parseCsr } from '../../../operator/pki/csr.ts';
import { basicConstraints, OID, subjectAltName } from '../../../operator/pki/extensions.ts';
import { ecdsaSignatureValue, writeCsr } from '../../../proxy-image/contract/der.ts';
import { CodedError } from '../../../proxy-image/contract/errors.ts';
import { MAX_CSR_BYTES } from '../../../proxy-image/contract/identity-messages.ts';

const IDENTITY = 'web.shop.serviceaccount.identity.linkerd.cluster.local';

function pointOf(publicKey: KeyObject): Uint8Array {
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(-65);
}

function csrOf(keys: KeyPair, identity = IDENTITY): Promise<Uint8Array> {
  return writeCsr(identity, pointOf(keys.publicKey), (info) =>
    sign('sha256', info, { key: keys.privateKey, dsaEncoding: 'ieee-p1363' }),
  );
}

/** A request with whatever an attacker would put in, properly signed. */
function craft(options: {
  publicKey: KeyObject;
  signer: KeyObject;
  names?: string[];
  extensions?: ReturnType<typeof basicConstraints>[];
  algorithm?: string;
  hash?: string;
}): Buffer {
  const extensions = [...(options.extensions ?? [])];
  if (options.names !== undefined) extensions.push(subjectAltName(options.names, false));
  const info = sequence(
    integer(Uint8Array.of(0)),
    commonName('attacker'),
    decode(options.publicKey.export({ type: 'spki', format: 'der' })),
    explicit(0, sequence(oid(OID.extensionRequest), set(sequence(...extensions)))),
  );
  const signature = sign(options.hash ?? 'sha256', encode(info), options.signer);
  return encode(sequence(info, sequence(oid(options.algorithm ?? OID.ecdsaWithSha256)), bits(signature)));
}

function refusal(der: Uint8Array): string {
  try {
    parseCsr(der);
  } catch (error) {
    expect(error).to.be.instanceOf(CodedError);
    expect((error as CodedError).code).to.equal('WEFT_SIGNING_CSR');
    return (error as CodedError).message;
  }
  throw new Error('the request was accepted');
}

describe('certificate signing request', () => {
  it('written by a proxy is read by the operator: same key, both names', async () => {
    const keys = generateKeyPair();
    const request = parseCsr(await csrOf(keys));
    expect(request.publicKey.equals(keys.publicKey)).to.equal(true);
    expect(request.requestedNames).to.deep.equal([IDENTITY, IDENTITY]);
  });

  it('leaves the CN out where the identity is longer than a CN may be', async () => {
    const identity = `${'a'.repeat(63)}.shop.serviceaccount.identity.linkerd.cluster.local`;
    expect(parseCsr(await csrOf(generateKeyPair(), identity)).requestedNames).to.deep.equal([identity]);
  });

  it('writes every signature as DER integers that verify, leading zeros and sign bits included', () => {
    const half = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const withZeros = half.map((bytes) => bytes.map((byte, i) => (i < bytes[31]! % 5 ? 0 : byte)));
    fc.assert(
      fc.property(withZeros, withZeros, (r, s) => {
        const node = decode(ecdsaSignatureValue(Uint8Array.from([...r, ...s])));
        const [first, second] = children(node).map((item) => BigInt(`0x${content(item).toString('hex')}`));
        expect(first).to.equal(BigInt(`0x${Buffer.from(r).toString('hex')}`));
        expect(second).to.equal(BigInt(`0x${Buffer.from(s).toString('hex')}`));
      }),
    );
  });

  it('has a signature that OpenSSL verifies, time after time', async () => {
    const keys = generateKeyPair();
    for (let i = 0; i < 50; i += 1) {
      const [info, , signature] = children(decode(await csrOf(keys)));
      const der = content(signature).subarray(1);
      expect(verify('sha256', encode(info!), keys.publicKey, der)).to.equal(true);
    }
  });

  it('refuses to write what is no P-256 point or no name', async () => {
    const keys = generateKeyPair();
    const point = pointOf(keys.publicKey);
    const signer = () => new Uint8Array(64);
    for (const [identity, key] of [
      [IDENTITY, point.subarray(1)],
      [IDENTITY, new Uint8Array(65)],
      ['', point],
      ['a b', point],
      ['x'.repeat(254), point],
    ] as const) {
      let thrown: unknown = null;
      await writeCsr(identity, key, signer).catch((error: unknown) => {
        thrown = error;
      });
      expect(thrown).to.be.instanceOf(RangeError);
    }
  });

  it('C10: of another name gives its key and shows its names', () => {
    const keys = generateKeyPair();
    const der = craft({ publicKey: keys.publicKey, signer: keys.privateKey, names: ['admin.kube-system', 'b', 'c'] });
    expect(parseCsr(der).requestedNames).to.deep.equal(['attacker', 'admin.kube-system', 'b', 'c']);
  });

  it('C10: with a flood of names shows only the first eight', () => {
    const keys = generateKeyPair();
    const names = Array.from({ length: 100 }, (_, i) => `n${i}.example`);
    const der = craft({ publicKey: keys.publicKey, signer: keys.privateKey, names });
    expect(parseCsr(der).requestedNames).to.have.length(8);
  });

  it('C10: that asks for a CA certificate is refused', () => {
    const keys = generateKeyPair();
    const der = craft({ publicKey: keys.publicKey, signer: keys.privateKey, extensions: [basicConstraints(true)] });
    expect(refusal(der)).to.contain('authority');
    const leaf = craft({ publicKey: keys.publicKey, signer: keys.privateKey, extensions: [basicConstraints(false)] });
    expect(parseCsr(leaf).requestedNames).to.deep.equal(['attacker']);
  });

  it('C10: with a weak or foreign key is refused', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
    expect(refusal(craft({ publicKey: rsa.publicKey, signer: rsa.privateKey }))).to.contain('P-256');
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    expect(refusal(craft({ publicKey: p384.publicKey, signer: p384.privateKey }))).to.contain('P-256');
  });

  it('C10: signed by somebody else, or with another hash, is refused', () => {
    const keys = generateKeyPair();
    expect(refusal(craft({ publicKey: keys.publicKey, signer: generateKeyPair().privateKey }))).to.contain('signature');
    expect(refusal(craft({ publicKey: keys.publicKey, signer: keys.privateKey, hash: 'sha1' }))).to.contain(
      'signature',
    );
    const md5 = craft({ publicKey: keys.publicKey, signer: keys.privateKey, algorithm: '1.2.840.10045.4.1' });
    expect(refusal(md5)).to.contain('signature');
  });

  it('C10: of a megabyte is refused unread', () => {
    expect(refusal(new Uint8Array(1024 * 1024))).to.contain(`at most ${MAX_CSR_BYTES}`);
  });

  it('C10: of a point off the curve is refused', async () => {
    const der = Buffer.from(await csrOf(generateKeyPair()));
    const at = der.indexOf(Buffer.from('034200', 'hex')) + 4;
    der[at + 10]! ^= 0xff;
    refusal(der);
  });

  it('is refused, whatever bytes are changed', async () => {
    const der = Buffer.from(await csrOf(generateKeyPair()));
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = Buffer.from(der);
        damaged[at]! ^= change;
        refusal(damaged);
      }),
    );
  });

  it('is refused in forms that are BER and not DER, and when nested without end', () => {
    refusal(Uint8Array.of(0x30, 0x80, 0, 0));
    refusal(Buffer.alloc(4_000, 0x30));
    refusal(new Uint8Array());
    refusal(encode(sequence(utf8('x'))));
    let nested = sequence();
    for (let i = 0; i < 200; i += 1) nested = sequence(nested);
    refusal(encode(nested));
  });
});
