import { expect } from 'chai';
import type { OutboundProtocol } from '../../../proxy-image/contract/policy/protocol.ts';
import type { ServiceEntry } from '../../../proxy-image/core/state/entries.ts';
import { protocolOf } from '../../../proxy-image/core/state/protocol.ts';
import {
  applyAll,
  backend,
  endpoint,
  endpointsKey,
  ManualClock,
  newState,
  SERVICE_KEY,
  service,
  set,
} from './fixtures.ts';

type Hints = readonly OutboundProtocol[];

/** A Service as its proxy knows it; each backend with its endpoints' hints, one after the other. */
class Destination {
  readonly #state = newState(new ManualClock());
  #version = 0;

  backend(name: string, hints: Hints): this {
    const endpoints = hints.map((protocol, index) => endpoint(`10.1.0.${index + 1}`, { protocol }));
    applyAll(this.#state, set(endpointsKey(name), { sources: '1', endpoints }, `v${++this.#version}`));
    return this;
  }

  protocol(
    declared: OutboundProtocol,
    backends: ReturnType<typeof backend>[] = [backend('web', 1000)],
  ): OutboundProtocol {
    applyAll(this.#state, set(SERVICE_KEY, service({ protocol: declared, backends }), `v${++this.#version}`));
    return protocolOf(this.#state.destination('10.96.0.1', 80).entry as ServiceEntry);
  }
}

function of(declared: OutboundProtocol, ...hints: OutboundProtocol[]): OutboundProtocol {
  return new Destination().backend('web', hints).protocol(declared);
}

describe('what a destination speaks', () => {
  it('is what its Service declares, whatever its endpoints say', () => {
    for (const declared of ['opaque', 'http1', 'http2'] as const) {
      expect(of(declared, 'opaque', 'opaque'), declared).to.equal(declared);
      expect(of(declared, 'detect', 'http1'), declared).to.equal(declared);
    }
  });

  it('is what all its endpoints say where the Service says nothing', () => {
    for (const hint of ['opaque', 'http1', 'http2', 'detect'] as const) {
      expect(of('detect', hint, hint, hint), hint).to.equal(hint);
    }
  });

  it('is found out from the client while they differ, or where there is none', () => {
    expect(of('detect', 'opaque', 'opaque', 'detect')).to.equal('detect');
    expect(of('detect', 'detect', 'opaque')).to.equal('detect');
    expect(of('detect', 'http1', 'http2')).to.equal('detect');
    expect(of('detect')).to.equal('detect');
  });

  it('stays what the last endpoints said while there is none', () => {
    const destination = new Destination().backend('web', ['opaque']).backend('web', []);
    expect(destination.protocol('detect')).to.equal('opaque');
    expect(destination.backend('web', ['detect']).protocol('detect')).to.equal('detect');
  });

  it('follows a roll-out of endpoints, without a word from the Service', () => {
    const destination = new Destination().backend('web', ['detect', 'detect']);
    expect(destination.protocol('detect')).to.equal('detect');
    expect(destination.backend('web', ['detect', 'opaque']).protocol('detect')).to.equal('detect');
    expect(destination.backend('web', ['opaque', 'opaque']).protocol('detect')).to.equal('opaque');
  });

  it('is agreed on by all backends that get traffic', () => {
    const split = (weight: number, more: Partial<ReturnType<typeof backend>> = {}) => [
      backend('web', 500),
      backend('canary', weight, more),
    ];
    const destination = new Destination().backend('web', ['opaque']).backend('canary', ['detect']);
    expect(destination.protocol('detect', split(500))).to.equal('detect');
    expect(destination.protocol('detect', split(0))).to.equal('opaque');
    expect(destination.protocol('detect', split(500, { unavailable: true }))).to.equal('opaque');
    expect(destination.backend('canary', ['opaque']).protocol('detect', split(500))).to.equal('opaque');
    const unheard = [backend('web', 500), backend('unheard-of', 500)];
    expect(destination.protocol('detect', unheard), 'never had an endpoint').to.equal('opaque');
  });

  it('is announced to who still listens to a client, when endpoints come to agree', () => {
    const state = newState(new ManualClock());
    const told: OutboundProtocol[] = [];
    const destination = state.destination('10.96.0.1', 80);
    state.watch(destination, {
      destinationChanged: () => {},
      protocolChanged: ({ entry }) => told.push(protocolOf(entry as ServiceEntry)),
    });
    let version = 0;
    const hear = (...hints: OutboundProtocol[]) => {
      const endpoints = hints.map((protocol, index) => endpoint(`10.1.0.${index + 1}`, { protocol }));
      applyAll(state, set(endpointsKey('web'), { sources: '1', endpoints }, `v${++version}`));
    };
    applyAll(state, set(SERVICE_KEY, service()));
    for (const hints of [['detect'], ['detect', 'opaque'], ['opaque', 'opaque'], ['opaque'], [], ['http1']] as const) {
      hear(...hints);
    }
    expect(told).to.deep.equal(['opaque', 'http1']);
    applyAll(state, set(SERVICE_KEY, service({ protocol: 'http2' }), 'declared'));
    hear('opaque');
    expect(told, 'what the Service declares does not change with its endpoints').to.have.length(2);
  });
});
