import assert from 'node:assert/strict';
import {
  CONNECTION,
  CONTENT_LENGTH,
  type FieldId,
  HOP_BY_HOP,
  HOST,
  KEEP_ALIVE,
  L5D,
  L5D_PROXY_ERROR,
  OTHER,
  recognize,
  TE,
  TRANSFER_ENCODING,
  UPGRADE,
} from '../../../../proxy-image/codec/http1/fields.ts';
import { CONNECTION_FIELDS } from '../../../../proxy-image/http/fields.ts';

const NAMED: Readonly<Record<string, FieldId>> = {
  host: HOST,
  'content-length': CONTENT_LENGTH,
  'transfer-encoding': TRANSFER_ENCODING,
  connection: CONNECTION,
  upgrade: UPGRADE,
  te: TE,
  'keep-alive': KEEP_ALIVE,
  'l5d-proxy-error': L5D_PROXY_ERROR,
};

function recognized(name: string): FieldId {
  const line = Buffer.from(`x${name}: `, 'latin1');
  return recognize(line, 1, 1 + name.length);
}

const inUpperCase = (name: string) => name.toUpperCase();
const capitalized = (name: string) => name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());

describe('names of fields', () => {
  it('are recognized in every case of letters, each as what it is', () => {
    for (const name of [...Object.keys(NAMED), ...CONNECTION_FIELDS]) {
      const id = NAMED[name] ?? HOP_BY_HOP;
      for (const written of [name, inUpperCase(name), capitalized(name)])
        assert.equal(recognized(written), id, written);
    }
  });

  it('are the mesh’s own by their beginning, however long', () => {
    for (const name of [
      'l5d-',
      'l5d-x',
      'L5D-Client-Id',
      'l5d-dst-canonical',
      'l5d-dst-canonical2',
      `l5d-${'x'.repeat(300)}`,
    ])
      assert.equal(recognized(name), L5D, name);
    for (const name of ['l', 'l5d', 'l5dx', 'location', 'x-l5d-client-id', 'link-and-more-than-seventeen'])
      assert.equal(recognized(name), OTHER, name);
  });

  it('are others where one octet differs, also where it shares the lowest five bits of the right one', () => {
    for (const name of [...Object.keys(NAMED), ...CONNECTION_FIELDS]) {
      for (let at = 0; at < name.length; at++) {
        const octet = name.charCodeAt(at);
        for (const wrong of [octet ^ 1, octet & 31, octet | 96, 0x7e]) {
          const other = `${name.slice(0, at)}${String.fromCharCode(wrong)}${name.slice(at + 1)}`;
          if (other.toLowerCase() === name || !/^[!#$%&'*+\-.^_`|~0-9a-z]+$/i.test(other)) continue;
          assert.equal(recognized(other), other.startsWith('l5d-') ? L5D : OTHER, other);
        }
      }
    }
  });
});
