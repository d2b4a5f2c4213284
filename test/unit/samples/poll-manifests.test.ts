import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import { parseServiceProfile } from '../../../crds/kinds/service-profile/parse.ts';
import { loadSchemas } from '../../../crds/schema.ts';
import { FIND, LIST, type Method, RESULTS, VOTES_FOR } from '../../../samples/poll/api.ts';
import { MessageReader } from '../../../samples/poll/protobuf.ts';
import { WEAVES } from '../../../samples/poll/weaves.ts';
import { decide } from '../../../webhooks/inject/decide.ts';

const FOLDER = join(import.meta.dirname, '..', '..', '..', 'samples', 'poll');

interface Manifest {
  kind: string;
  metadata: { name: string; namespace?: string };
  spec: { template?: { metadata: object; spec: object }; ports?: { name: string; appProtocol?: string }[] };
}

function manifests(file: string): Manifest[] {
  return parseAllDocuments(readFileSync(join(FOLDER, file), 'utf8')).map((document) => document.toJS() as Manifest);
}

const proto = loadSync(join(FOLDER, 'poll.proto'), { defaults: true, longs: Number });
const serviceOf = (name: string) => proto[`weft.poll.v1.${name}`] as ServiceDefinition;
const methodsOf = (name: string) => Object.values(serviceOf(name));
const pathsOf = (name: string): string[] => methodsOf(name).map(({ path }) => path);

describe('poll.proto', () => {
  it('names the methods that are served, a vote for each pattern', () => {
    expect(pathsOf('Patterns')).to.have.members([LIST.path, FIND.path]);
    expect(pathsOf('Ballots')).to.have.members([RESULTS.path, ...[...VOTES_FOR.values()].map(({ path }) => path)]);
    expect([...VOTES_FOR.keys()]).to.deep.equal(WEAVES.map(({ name }) => name));
  });

  /** Bytes that one side writes are what the other reads, in both directions, by protobufjs and by the sample's own. */
  function agree<Request, Response>(
    method: Method<Request, Response>,
    request: { ours: Request; theirs: object },
    response: { ours: Response; theirs: object },
  ): void {
    const theirs = [...methodsOf('Patterns'), ...methodsOf('Ballots')].find(({ path }) => path === method.path)!;
    expect(theirs.requestDeserialize(method.requestSerialize(request.ours))).to.deep.equal(request.theirs);
    expect(theirs.responseDeserialize(method.responseSerialize(response.ours))).to.deep.equal(response.theirs);
    expect(method.requestDeserialize(theirs.requestSerialize(request.theirs))).to.deep.equal(request.ours);
    expect(method.responseDeserialize(theirs.responseSerialize(response.theirs))).to.deep.equal(response.ours);
  }

  const same = <Message extends object>(message: Message) => ({ ours: message, theirs: message });
  const none = same({});

  it('has the messages that are sent', () => {
    agree(LIST, none, { ours: WEAVES, theirs: { patterns: WEAVES } });
    agree(LIST, none, { ours: [], theirs: { patterns: [] } });
    agree(FIND, same({ name: 'twill' }), same({ name: 'twill', symbol: '▨' }));
    agree(FIND, same({ name: '' }), same({ name: '', symbol: '' }));
    const results = [1, 127, 128, 300, 2 ** 28, 2 ** 31, 2 ** 32 - 1, 0].map((votes) => ({ pattern: 'leno', votes }));
    agree(RESULTS, none, { ours: results, theirs: { results } });
    agree(VOTES_FOR.get('twill')!, none, same({ votes: 70_000 }));
  });

  it('leaves fields that it does not know unread, of every wire type', () => {
    const unknown = Buffer.from('7a0161' + '7801' + '790102030405060708' + '7d01020304', 'hex');
    const message = Buffer.concat([unknown, FIND.requestSerialize({ name: 'satin' }), unknown]);
    expect(FIND.requestDeserialize(message)).to.deep.equal({ name: 'satin' });
  });

  it('refuses bytes that are no message', () => {
    for (const [hex, reason] of [
      ['0a05616263', /within a field/],
      ['0a', /within a field/],
      ['0b', /wire type 3/],
      ['08ffffffffffff01', /longer than 5 bytes/],
    ] as const) {
      expect(() => new MessageReader(Buffer.from(hex, 'hex')), hex).to.throw(reason);
    }
  });
});

describe('the profiles of the poll', () => {
  const profiles = manifests('profiles.yaml');
  const routesOf = (service: string) => {
    const raw = profiles.find(({ metadata }) => metadata.name === `${service}.poll.svc.cluster.local`);
    const { model, problems } = parseServiceProfile(raw);
    expect(problems).to.deep.equal([]);
    return model!;
  };
  const patternsOf = (service: string): string[] =>
    (
      profiles.find(({ metadata }) => metadata.name.startsWith(`${service}.`))!.spec as {
        routes: { condition: { pathRegex: string } }[];
      }
    ).routes.map(({ condition }) => condition.pathRegex);

  /** Which of a Service's patterns match the whole path. */
  const matching = (service: string, path: string): number =>
    patternsOf(service).filter((pattern) => new RegExp(`^(?:${pattern})$`).test(path)).length;

  it('are valid, and allow retries of a fifth and 10 a second', () => {
    for (const profile of profiles) expect(loadSchemas().validate(profile)).to.deep.equal([]);
    for (const service of ['web', 'patterns', 'ballots']) {
      expect(routesOf(service).retryBudget).to.include({ minRetriesPerSecond: 10 });
    }
  });

  it('have one route for each method and for each path, and one only', () => {
    expect(patternsOf('patterns')).to.have.length(pathsOf('Patterns').length);
    expect(patternsOf('ballots')).to.have.length(pathsOf('Ballots').length);
    for (const path of pathsOf('Patterns')) expect(matching('patterns', path), path).to.equal(1);
    for (const path of pathsOf('Ballots')) expect(matching('ballots', path), path).to.equal(1);
    for (const path of ['/', '/patterns', '/leaderboard', '/votes/twill'])
      expect(matching('web', path), path).to.equal(1);
  });

  it('never let a vote be sent twice', () => {
    for (const service of ['web', 'ballots']) {
      for (const { name, isRetryable } of routesOf(service).routes) {
        expect(isRetryable, name).to.equal(!/vote/i.test(name));
      }
    }
  });
});

describe('the manifests of the poll', () => {
  const all = manifests('manifests/poll.yaml');
  const deployments = all.filter(({ kind }) => kind === 'Deployment');

  it('put every workload into the mesh, under an account of its own', () => {
    expect(deployments.map(({ metadata }) => metadata.name).sort()).to.deep.equal([
      'ballots',
      'patterns',
      'voters',
      'web',
    ]);
    for (const { metadata, spec } of deployments) {
      expect(decide(spec.template, { annotations: {}, labels: {} }), metadata.name).to.include({ inject: true });
      expect(spec.template!.spec).to.include({ serviceAccountName: metadata.name });
      expect(all.some(({ kind, metadata: { name } }) => kind === 'ServiceAccount' && name === metadata.name)).to.equal(
        true,
      );
    }
  });

  it('say of every port of a Service what is spoken there', () => {
    const spoken = all
      .filter(({ kind }) => kind === 'Service')
      .map(({ metadata, spec }) => [
        metadata.name,
        ...spec.ports!.map(({ name, appProtocol }) => `${name} ${appProtocol}`),
      ]);
    expect(spoken).to.deep.equal([
      ['web', 'http http'],
      ['patterns', 'grpc kubernetes.io/h2c'],
      ['ballots', 'grpc kubernetes.io/h2c'],
    ]);
  });

  it('let the pattern fail that has 15 % of the votes', () => {
    const text = readFileSync(join(FOLDER, 'manifests', 'poll.yaml'), 'utf8');
    const envOf = (name: string) => new RegExp(`name: ${name}, value: "([^"]*)"`).exec(text)?.[1];
    expect(envOf('FAVOURITE')).to.equal(envOf('FAILING_PATTERN'));
    expect([...VOTES_FOR.keys()]).to.include(envOf('FAILING_PATTERN'));
    expect(envOf('FAVOURITE_SHARE')).to.equal('0.15');
  });
});
