import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Format, printed } from '../../cli/check/print.ts';
import { healthy, put, type World } from '../unit/cli/check/world.ts';

const FOLDER = join(import.meta.dirname, 'check');

/** What `weft check --proxy` prints of these clusters. A wanted change: read what the test says, and edit the file. */
const WORLDS: Readonly<Record<string, (world: World) => void>> = {
  healthy: () => {},
  faulty: (world) => {
    // An error, a warning with more objects than are named, and something that may not be read.
    world.set('mutatingWebhooks', 'weft-injector', 'webhooks.0.clientConfig.caBundle', '');
    for (let i = 0; i < 12; i++) {
      const outsider = structuredClone(world.get('Pod', 'outsider'));
      put(outsider, ['metadata', 'name'], `late-${i}`);
      put(outsider, ['metadata', 'annotations'], {});
      world.add('Pod', outsider);
    }
    world.set('Service', 'web', 'metadata.annotations', { 'retry.linkerd.io/limit': '\u001b[2J' });
    world.unread.set('apiServices', '403 to GET /apis/apiregistration.k8s.io/v1/apiservices: forbidden');
  },
};

const plain = (_: string, text: string) => text;

describe('what weft check prints', () => {
  for (const [name, plant] of Object.entries(WORLDS)) {
    for (const format of ['table', 'short', 'json'] satisfies Format[]) {
      it(`of a ${name} mesh, as ${format}, is byte by byte what it was`, () => {
        const world = healthy();
        plant(world);
        const golden = readFileSync(join(FOLDER, `${name}.${format === 'json' ? 'json' : `${format}.txt`}`), 'utf8');
        expect(printed(world.judge('proxy'), format, plain)).to.equal(golden);
      });
    }
  }

  it('is coloured on a terminal only', () => {
    const painted = printed(healthy().judge('core'), 'short', (colour, text) => `<${colour}>${text}`);
    expect(painted).to.equal('Status check results are <green>√\n');
  });
});
