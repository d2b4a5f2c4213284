import { dlopen } from 'bun:ffi';
import { WeftError } from '../../contract/errors.ts';
import type { SocketOptions } from './dead-peers.ts';

/** The C library by the names of glibc and musl. */
const LIBRARIES = ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1'];

/**
 * `getsockopt` and `setsockopt` of the C library. Work without capabilities and with a read-only root; throws WEFT_TRANSPORT_FFI where the library is not
 * found.
 */
export function loadSocketOptions(): SocketOptions {
  const { getsockopt, setsockopt } = loadSymbols();
  const length = new Uint32Array(1);
  const number = new Int32Array(1);
  return {
    get(fd, level, option, value) {
      length[0] = value.length;
      return getsockopt!(fd, level, option, value, length) === 0;
    },
    set(fd, level, option, value) {
      number[0] = value;
      return setsockopt!(fd, level, option, number, 4) === 0;
    },
  };
}

function loadSymbols(): Record<string, (...values: unknown[]) => number> {
  const signature = {
    getsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'ptr'], returns: 'i32' },
    setsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'u32'], returns: 'i32' },
  };
  let last: unknown;
  for (const library of LIBRARIES) {
    try {
      return dlopen(library, signature).symbols;
    } catch (error) {
      last = error;
    }
  }
  throw new WeftError('WEFT_TRANSPORT_FFI', LIBRARIES.join(', '), last);
}
