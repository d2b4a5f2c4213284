import type { Answer } from '../app/contract.ts';
import { inWords, type Question, type Verdict, type WireRow } from '../row.ts';
import { type Client, FIRST_PORT, FIRST_PORT_OF_CHANGES, NAMED_PORT, TARGETS } from '../world.ts';
import { server } from './objects.ts';
import type { Asked, AuthorizationRow, Outcome, Protocol } from './row.ts';
import { AUTHORIZATION_ROWS } from './rows.ts';

/** Requests of one connection by which a limit of a few a second is seen. */
const HASTY = 40;
const TIMEOUT_MS = 5_000;
const PERMISSION_DENIED = 7;
const NOT_FOUND = 5;

/** Every row of authorization, each with a port of its own. */
export function authorizationRows(ipOf: (client: Client) => string): WireRow[] {
  const all = Object.entries(AUTHORIZATION_ROWS).flatMap(([about, rows]) => rows.map((row) => ({ about, row })));
  if (FIRST_PORT + all.length > FIRST_PORT_OF_CHANGES)
    throw new Error('more rows than ports: PORTS of world.ts is too small');
  return all.map(({ about, row }, index) => wireRow(about, row, index, ipOf));
}

function wireRow(about: string, row: AuthorizationRow, index: number, ipOf: (client: Client) => string): WireRow {
  const target = row.target ?? 'open';
  const { namespace } = TARGETS[target];
  const port = row.namedPort === true ? NAMED_PORT : FIRST_PORT + index;
  const name = `a-${index}`;
  const selected = { podSelector: { matchLabels: { app: target } }, port: row.namedPort === true ? 'named' : port };
  const own = row.server === null ? [] : [server(name, { ...selected, ...row.server }, namespace)];
  return {
    about: `authorization: ${about}`,
    title: row.title,
    rule: row.rule,
    objects: [[...own, ...(row.objects?.({ name, port, ipOf }) ?? [])]],
    oneAge: [],
    questions: row.asked.map((asked) => question(asked, { name: target, namespace }, port)),
    refused: '',
  };
}

function question(asked: Asked, service: Question['service'], port: number): Question {
  const { client, outcome, protocol = 'http', method = 'GET' } = asked;
  const target = asked.target ?? (protocol === 'grpc' ? '/a.B/Get' : '/');
  const count = outcome === 'limited' ? HASTY : 1;
  return {
    client,
    service,
    ask: { kind: protocol, port, method, target, headers: [], count, timeoutMs: TIMEOUT_MS },
    expected: `${client} ${protocol === 'tcp' ? '' : `${target} `}${outcome}`,
    counted: false,
    judge: (answers) => judge(outcome, protocol, answers),
  };
}

function judge(outcome: Outcome, protocol: Protocol, answers: readonly Answer[]): Verdict {
  const first = answers[0]!;
  if (outcome !== 'limited') return { holds: isThat(outcome, protocol, first), measured: words(protocol, first) };
  const refused = answers.filter(({ status }) => status === 429).length;
  const served = answers.filter(({ seen }) => seen !== null).length;
  const isLimited = refused > 0 && served > 0 && refused + served === answers.length;
  return { holds: isLimited, measured: `${served} answered, ${refused} refused with 429, of ${answers.length}` };
}

function isThat(outcome: Outcome, protocol: Protocol, { status, grpcStatus, seen, error }: Answer): boolean {
  const isServed = error === '' && (protocol === 'tcp' ? status === 1 : seen !== null);
  if (outcome === 'allowed') return isServed && (protocol !== 'grpc' || grpcStatus === 0);
  if (seen !== null) return false;
  // Without a proxy of its own a client sees the connection end, by FIN or by RST, before anything comes back.
  if (protocol === 'tcp') return outcome === 'denied' && /closed|ECONNRESET|EPIPE/.test(error);
  if (protocol === 'grpc') return grpcStatus === (outcome === 'denied' ? PERMISSION_DENIED : NOT_FOUND);
  return status === (outcome === 'denied' ? 403 : 404);
}

function words(protocol: Protocol, answer: Answer): string {
  if (protocol !== 'tcp') return inWords(answer);
  return answer.status === 1 ? 'the bytes came back' : answer.error;
}
