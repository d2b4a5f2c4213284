import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { CLI_ERRORS } from '../../cli/errors.ts';
import { CONTROL_PLANE_ERRORS } from '../../proxy-image/contract/control-plane-errors.ts';
import { ERRORS } from '../../proxy-image/contract/errors.ts';
import { FAILURES, type Failure } from '../../proxy-image/http/failures.ts';

const DOCUMENT = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'errors.md'), 'utf8');

const CATALOGUE = { ...ERRORS, ...CONTROL_PLANE_ERRORS };

describe('error catalogue', () => {
  const [mesh = '', command = ''] = DOCUMENT.split('## Codes of the command');

  it('is listed in docs/errors.md, code by code', () => {
    expect(documentedIn(mesh)).to.deep.equal(Object.keys(CATALOGUE).sort());
  });

  it('of the command is listed there too, with the status that it ends with', () => {
    expect(documentedIn(command)).to.deep.equal(Object.keys(CLI_ERRORS).sort());
    for (const [code, { exit }] of Object.entries(CLI_ERRORS)) {
      expect(command, code).to.match(new RegExp(`^\\| \`${code}\` \\| ${exit} \\| \\S.* \\| \\S.* \\|$`, 'm'));
    }
  });

  it('names a code once', () => {
    expect(Object.keys(CLI_ERRORS).filter((code) => code in CATALOGUE)).to.deep.equal([]);
  });

  it('says for every code what to check next', () => {
    for (const [code, entry] of Object.entries({ ...CATALOGUE, ...CLI_ERRORS })) {
      expect(entry.message, code).to.match(/\S.{8,}/);
      expect(entry.next, code).to.match(/\S.{8,}/);
    }
  });
});

describe('failures of the data plane', () => {
  const table = DOCUMENT.slice(DOCUMENT.indexOf('## Failures of requests'));
  const documented = [...table.matchAll(/^\| (`[a-z0-9_]+` \|.*) \|$/gm)].map(([, cells]) => cells!.split(/ ?\| ?/));

  it('are listed in docs/errors.md, row by row', () => {
    expect(documented.map((cells) => cells.slice(0, -1))).to.deep.equal(rowsOf(FAILURES));
  });

  it('say there what to check next', () => {
    for (const [name, ...cells] of documented) expect(cells.at(-1), name).to.match(/\S.{8,}/);
  });

  it('have words of their own each, which no client can have sent', () => {
    const failures: readonly Failure[] = Object.values(FAILURES);
    const texts = failures.map(({ text }) => text);
    expect(new Set(texts).size).to.equal(texts.length);
    for (const { status, text } of failures) {
      expect(status, text).to.be.within(400, 599);
      expect(text).to.match(/^[a-zA-Z][ -~]{7,}$/);
    }
  });
});

function documentedIn(text: string): string[] {
  return [...text.matchAll(/^\| `(WEFT_[A-Z0-9_]+)` \|/gm)].map((match) => match[1]!).sort();
}

/** Cells of the document's table, without the last. */
function rowsOf(failures: Readonly<Record<string, Failure>>): string[][] {
  return Object.entries(failures).map(([name, { status, grpcStatus, text, detailed, error }]) => [
    `\`${name}\``,
    `${status}`,
    `${grpcStatus}`,
    detailed ? `${text}: …` : text,
    error ?? '',
  ]);
}
