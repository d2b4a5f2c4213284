import type { ServiceDefinition } from '@grpc/grpc-js';

function bytes(value: Buffer): Buffer {
  return value;
}

const BYTES = {
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
};

/** Both methods send back what they get; messages are bytes, so no protobuf is needed. */
export const ECHO: ServiceDefinition = {
  unary: { path: '/soak.Echo/Unary', requestStream: false, responseStream: false, ...BYTES },
  stream: { path: '/soak.Echo/Stream', requestStream: true, responseStream: true, ...BYTES },
};
