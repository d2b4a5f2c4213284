/** A file of an archive. */
export interface ArchiveFile {
  /** Within the archive: ASCII, at most 255 characters, of which the last part has at most 100. */
  path: string;
  content: string;
}

const BLOCK = 512;
const NAME_BYTES = 100;
const PREFIX_BYTES = 155;

/** A tar archive (POSIX.1-1988 `ustar`), as every tar reads it; bytes depend on nothing but what is given. */
export function tarOf(files: readonly ArchiveFile[], modifiedMs: number): Buffer {
  const blocks: Buffer[] = [];
  for (const { path, content } of files) {
    const body = Buffer.from(content);
    blocks.push(headerOf(path, body.length, modifiedMs), body, Buffer.alloc(-body.length & (BLOCK - 1)));
  }
  // Two empty blocks are the end.
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

function headerOf(path: string, sizeBytes: number, modifiedMs: number): Buffer {
  const { prefix, name } = split(path);
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0, 'latin1');
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${octal(sizeBytes, 11)}\0`, 124);
  header.write(`${octal(Math.floor(modifiedMs / 1000), 11)}\0`, 136);
  // The sum is of a header in which its own field is blank.
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\u000000', 257);
  header.write(prefix, 345, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)}\0 `, 148);
  return header;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

/** A path that is too long for the name is cut at a slash. */
function split(path: string): { prefix: string; name: string } {
  if (!/^[\x20-\x7e]+$/.test(path)) throw new RangeError(`${JSON.stringify(path)} cannot be the name of a file here`);
  if (path.length <= NAME_BYTES) return { prefix: '', name: path };
  const at = path.indexOf('/', path.length - NAME_BYTES - 1);
  if (at === -1 || at > PREFIX_BYTES) throw new RangeError(`${path} is too long for a file's name`);
  return { prefix: path.slice(0, at), name: path.slice(at + 1) };
}
