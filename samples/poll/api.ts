import type { MethodDefinition } from '@grpc/grpc-js';
import { MessageReader, MessageWriter } from './protobuf.ts';
import { type Pattern, WEAVES } from './weaves.ts';

/** The services of poll.proto, each message with what writes and reads it. */
interface Codec<Message> {
  encode(message: Message): Buffer;
  decode(bytes: Buffer): Message;
}

export interface Result {
  pattern: string;
  votes: number;
}

const EMPTY: Codec<object> = {
  encode: () => new MessageWriter().finish(),
  decode(bytes) {
    new MessageReader(bytes);
    return {};
  },
};

const PATTERN: Codec<Pattern> = {
  encode: ({ name, symbol }) => new MessageWriter().string(1, name).string(2, symbol).finish(),
  decode(bytes) {
    const message = new MessageReader(bytes);
    return { name: message.string(1), symbol: message.string(2) };
  },
};

const NAME: Codec<{ name: string }> = {
  encode: ({ name }) => new MessageWriter().string(1, name).finish(),
  decode: (bytes) => ({ name: new MessageReader(bytes).string(1) }),
};

const VOTES: Codec<{ votes: number }> = {
  encode: ({ votes }) => new MessageWriter().uint32(1, votes).finish(),
  decode: (bytes) => ({ votes: new MessageReader(bytes).uint32(1) }),
};

const RESULT: Codec<Result> = {
  encode: ({ pattern, votes }) => new MessageWriter().string(1, pattern).uint32(2, votes).finish(),
  decode(bytes) {
    const message = new MessageReader(bytes);
    return { pattern: message.string(1), votes: message.uint32(2) };
  },
};

/** A message that is a list of others, in its field 1. */
function listOf<Item>(item: Codec<Item>): Codec<readonly Item[]> {
  return {
    encode: (items) => new MessageWriter().messages(1, items.map(item.encode)).finish(),
    decode: (bytes) => new MessageReader(bytes).messages(1).map(item.decode),
  };
}

/** A unary method. */
export type Method<Request, Response> = MethodDefinition<Request, Response>;

function unary<Request, Response>(
  path: string,
  request: Codec<Request>,
  response: Codec<Response>,
): Method<Request, Response> {
  return {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: request.encode,
    requestDeserialize: request.decode,
    responseSerialize: response.encode,
    responseDeserialize: response.decode,
  };
}

const PATTERNS = '/weft.poll.v1.Patterns';
const BALLOTS = '/weft.poll.v1.Ballots';

export const LIST = unary(`${PATTERNS}/List`, EMPTY, listOf(PATTERN));
export const FIND = unary(`${PATTERNS}/Find`, NAME, PATTERN);
export const RESULTS = unary(`${BALLOTS}/Results`, EMPTY, listOf(RESULT));

export function voteFor(pattern: string): Method<object, { votes: number }> {
  return unary(`${BALLOTS}/Vote${pattern.charAt(0).toUpperCase()}${pattern.slice(1)}`, EMPTY, VOTES);
}

/** The method of each candidate, by its name. */
export const VOTES_FOR: ReadonlyMap<string, Method<object, { votes: number }>> = new Map(
  WEAVES.map(({ name }) => [name, voteFor(name)]),
);
