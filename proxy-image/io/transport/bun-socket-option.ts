import { dlopen } from 'bun:ffi';
import { WeftError } from '../../contract/errors.ts';
import type { GetSocketOption } from './original-destination.ts';

/** The C library by the names of glibc and musl. */
const LIBRARIES = ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1'];

/** `getsockopt` of the C library. Works without capabilities and with a read-only root; throws WEFT_TRANSPORT_FFI where the library is not found. */
export function loadGetSocketOption(): GetSocketOption {
  const getsockopt = loadSymbol();
  const length = new Uint32Array(1);
  return (fd, level, option, value) => {
    length[0] = value.length;
    return getsockopt(fd, level, option, value, length) === 0;
  };
}

function loadSymbol(): (...values: unknown[]) => number {
  const signature = { getsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'ptr'], returns: 'i32' } };
  let last: unknown;
  for (const library of LIBRARIES) {
    try {
      return dlopen(library, signature).symbols['getsockopt']!;
    } catch (error) {
      last = error;
    }
  }
  throw new WeftError('WEFT_TRANSPORT_FFI', LIBRARIES.join(', '), last);
}
