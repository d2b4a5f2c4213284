import { expect } from 'chai';
import { DescriptionError } from '../../../../cli/profile/description-error.ts';
import { protoRoutes } from '../../../../cli/profile/proto.ts';

const pathsOf = (text: string) => protoRoutes(text).map(({ route }) => route.condition.pathRegex);

function problemOf(text: string): string {
  try {
    protoRoutes(text);
  } catch (error) {
    if (error instanceof DescriptionError)
      return error.problems.map(({ line, message }) => `${line}: ${message}`).join();
    throw error;
  }
  return '';
}

const VOTING = `
syntax = "proto3";

package emojivoto.v1;

import "google/api/annotations.proto"; // not read

option go_package = "example.com/voting;voting";

message VoteRequest {}
message Result { string rpc = 1; map<string, int32> service = 2; reserved 3 to 9; }

/* service Old { rpc Gone (A) returns (B); } */
service VotingService {
    rpc VotePoop (VoteRequest) returns (google.protobuf.Empty);
    // rpc Hidden (VoteRequest) returns (Result);
    rpc Results (VoteRequest) returns (stream Result) {}
}
`;

describe('routes of a protobuf definition file', () => {
  it('one for each method, named by it, in the order of the file', () => {
    expect(protoRoutes(VOTING)).to.deep.equal([
      {
        route: {
          name: 'VotePoop',
          condition: { method: 'POST', pathRegex: '/emojivoto\\.v1\\.VotingService/VotePoop' },
        },
        line: 15,
      },
      {
        route: {
          name: 'Results',
          condition: { method: 'POST', pathRegex: '/emojivoto\\.v1\\.VotingService/Results' },
        },
        line: 17,
      },
    ]);
  });

  it('the package may be missing, or stand behind the services', () => {
    expect(pathsOf('service A { rpc B (C) returns (D); }')).to.deep.equal(['/A/B']);
    expect(pathsOf('service A { rpc B (C) returns (D); }\npackage p;')).to.deep.equal(['/p\\.A/B']);
  });

  it('several services, each with its own', () => {
    const text = 'service A { rpc B (C) returns (D); }; service E { rpc B (C) returns (D) {}; rpc F (C) returns (D); }';
    expect(pathsOf(text)).to.deep.equal(['/A/B', '/E/B', '/E/F']);
  });

  it('methods of streams, and messages that look like words of the language', () => {
    const text = `service S {
      rpc rpc (stream A) returns (stream .p.B);
      rpc service (stream) returns (stream stream) { ; }
    }`;
    expect(pathsOf(text)).to.deep.equal(['/S/rpc', '/S/service']);
  });

  it('options of any depth are passed over', () => {
    const text = `
      option (grpc.gateway.openapiv2_swagger) = {
        info: { title: "it's } \\" {" 'and' }
        security: [ { key: "a" }, { key: "b" } ]
        [type.example.com/p.T] < a: 1 >
      };
      extend google.protobuf.MethodOptions { optional string own = 50000; }
      service S {
        option deprecated = true;
        rpc A (B) returns (C) {
          option (google.api.http) = { get: "/v1/{id=*}" additional_bindings: [ { post: "/x" body: "*" } ] };
          option (p.own).rpc = "rpc X (Y) returns (Z);";
        }
      }`;
    expect(pathsOf(text)).to.deep.equal(['/S/A']);
  });

  it('a method that may be called again, as its own option says, is retried', () => {
    const text = `service S {
      rpc A (B) returns (C) { option idempotency_level = IDEMPOTENT; }
      rpc D (B) returns (C) { option deprecated = true; option idempotency_level = NO_SIDE_EFFECTS; }
      rpc E (B) returns (C) { option idempotency_level = IDEMPOTENCY_UNKNOWN; }
      rpc F (B) returns (C) { option (p.idempotency_level) = IDEMPOTENT; }
      rpc G (B) returns (C);
    }`;
    const retried = protoRoutes(text).filter(({ route }) => route.isRetryable);
    expect(retried.map(({ route }) => route.name)).to.deep.equal(['A', 'D']);
  });

  it('any edition of the language', () => {
    const text =
      'edition = "2024"; export message M {} local enum E { option a = 1; } service S { rpc A (M) returns (M); }';
    expect(pathsOf(text)).to.deep.equal(['/S/A']);
  });
});

describe('what is wrong with a protobuf definition file', () => {
  it('is told with the line', () => {
    const before = 'syntax = "proto3";\n\nservice A {\n  ';
    for (const [text, problem] of [
      ['openapi: 3.0.0', '1: a definition is expected, not "openapi"'],
      ['syntax = "proto3";\n}', '2: a definition is expected, not "}"'],
      ['package 1;', '1: the name of a package is expected, not "1"'],
      ['message M {}', '1: the file has no service with a method'],
      ['', '1: the file has no service with a method'],
      ['/* a\n\n', '1: the comment does not end'],
      ['option a = "b\n";', '1: the text does not end'],
      [`${before}rpc B (C) returns D;`, '4: ( is expected, not "D"'],
      [`${before}rpc B (C);`, '4: returns is expected, not ";"'],
      [`${before}rpc B () returns (D);`, '4: a message is expected, not ")"'],
      [`${before}rpc B (C) returns (D)\n}`, '5: ; or { is expected, not "}"'],
      [`${before}rpc B (C) returns (D) { get: "/" }`, '4: option or } is expected, not "get"'],
      [`${before}message B {}`, '4: rpc, option or } is expected, not "message"'],
      [`${before}rpc B (C) returns (D);\n`, '4: the file ends where } is expected'],
      ['service {}', '1: the name of a service is expected, not "{"'],
    ] as const) {
      expect(problemOf(text), text).to.equal(problem);
    }
  });

  it('nothing that a terminal obeys is repeated', () => {
    expect(problemOf('\u001b[31m')).to.equal('1: a definition is expected, not "\\u001b"');
  });
});
