import { expect } from 'chai';
import { type Audience, ResourceCache } from '../../../crds/compile/resource-cache.ts';
import { ChangeEncoder } from '../../../operator/serve/encoding.ts';
import { parseKey } from '../../../proxy-image/contract/keys.ts';
import { REVISION } from '../../../proxy-image/contract/messages.ts';
import { profile, route, service, slice, sliceEndpoint, type TestCluster, webCluster } from '../../support/models.ts';

/** More than the encoder keeps, twice. */
const MUCH_BYTES = 3 * 1024 * 1024;

class EncoderBench {
  readonly cluster: TestCluster = webCluster();
  readonly encoder = new ChangeEncoder<string>();
  readonly #cache = new ResourceCache<string>(this.cluster.state, {
    changed: (resource, previous) => this.encoder.noteChange(resource, previous),
  });

  subscribe(text: string): Audience<string> {
    return this.#cache.subscribe(parseKey(text)!, 'client', 'a');
  }

  change(touched: ReadonlySet<string>): void {
    this.#cache.invalidate(touched);
    this.#cache.refresh();
  }

  bytes({ resource }: Audience<string>, heldVersion = '', revision = REVISION): Uint8Array {
    return this.encoder.change(resource, resource.compiled!, heldVersion, revision);
  }
}

describe('ChangeEncoder', () => {
  it('encodes a change once, however many proxies are told of it: whole, in the revision before, and as a difference', () => {
    const bench = new EncoderBench();
    const web = bench.subscribe('service/10.0.0.1:80');
    const endpoints = bench.subscribe('endpoints/app/web:80/ipv4');
    const before = endpoints.resource.compiled!.version;
    const addresses = ['10.1.0.1', '10.1.0.2', '10.1.0.3', '10.1.0.4', '10.1.0.5'];
    bench.change(
      bench.cluster.apply(
        'EndpointSlice',
        slice(
          'web-1',
          'web',
          addresses.map((ip) => sliceEndpoint(ip)),
        ),
      ),
    );
    const held = endpoints.resource.compiled!.version;
    expect(held).not.to.equal(before);
    bench.change(
      bench.cluster.apply(
        'EndpointSlice',
        slice(
          'web-1',
          'web',
          addresses.slice(0, -1).map((ip) => sliceEndpoint(ip)),
        ),
      ),
    );
    const patch = bench.bytes(endpoints, held);
    expect(JSON.parse(Buffer.from(patch).toString())).to.deep.include({ op: 'patch', removed: ['10.1.0.5:8080'] });
    expect(bench.bytes(endpoints, held)).to.equal(patch);
    expect(bench.bytes(web)).to.equal(bench.bytes(web));
    expect(bench.bytes(web, '', REVISION - 1)).to.equal(bench.bytes(web, '', REVISION - 1));
    expect(bench.bytes(web, '', REVISION - 1)).not.to.deep.equal(bench.bytes(web));
    expect(bench.bytes(endpoints, '', REVISION - 1), 'what means the same to both').to.equal(bench.bytes(endpoints));
  });

  it('lets go of bytes that nobody has asked for while as many others were encoded; the same are made again', () => {
    const bench = new EncoderBench();
    const web = bench.subscribe('service/10.0.0.1:80');
    const first = bench.bytes(web);
    let encoded = 0;
    for (let at = 0; encoded < MUCH_BYTES; at++) {
      const name = `s${at}`;
      const ip = `10.2.${at >> 8}.${at & 255}`;
      bench.cluster.apply('Service', service(name, ip));
      const routes = Array.from({ length: 100 }, (_, number) => route(`route-of-some-length-${number}`));
      bench.cluster.apply('ServiceProfile', profile(name, { routes }));
      encoded += bench.bytes(bench.subscribe(`service/${ip}:80`)).length;
    }
    const again = bench.bytes(web);
    expect(again).not.to.equal(first);
    expect(again).to.deep.equal(first);
    expect(bench.bytes(web)).to.equal(again);
  });
});
