import { expect } from 'chai';
import type { ServiceModel } from '../../../crds/kinds/service/model.ts';
import { ServiceAnnotations } from '../../../operator/reconcilers/service-annotations.ts';
import { MemoryLogger } from '../../fakes/logger.ts';
import { service } from '../../support/models.ts';

const NAME = 'retry.linkerd.io/limit';
const signal = new AbortController().signal;

function setup(isAway: () => boolean = () => false) {
  const held = new Map<string, ServiceModel>();
  const events: string[] = [];
  const log = new MemoryLogger();
  const reporter = new ServiceAnnotations({
    find: (key) => held.get(key),
    events: {
      record: async () => {},
      announce: async (target, { type, reason, note }) => {
        if (isAway()) throw new Error('the API server is away');
        events.push(`${target.kind.kind} ${target.namespace}/${target.name} ${type} ${reason}: ${note}`);
      },
    },
    log,
  });
  const annotate = async (annotations: Record<string, string>) => {
    held.set('app/web', service('web', '10.0.0.1', { meta: { annotations } }));
    await reporter.reconcile('app/web', signal);
  };
  return { held, events, log, reporter, annotate };
}

describe('annotations of Services', () => {
  it('that are not accepted become an Event of the Service and a line in the log, once', async () => {
    const { events, log, annotate } = setup();
    await annotate({ [NAME]: 'many' });
    await annotate({ [NAME]: 'many', 'example.com/other': 'x' });
    expect(events).to.deep.equal([
      `Service app/web Warning InvalidAnnotation: metadata.annotations[${NAME}] must be an integer from 0 to 65535, not "many"`,
    ]);
    expect(log.lines.map(({ level, fields }) => [level, fields['name']])).to.deep.equal([['warn', 'web']]);
  });

  it('are reported when the API server takes it', async () => {
    let away = true;
    const { events, annotate } = setup(() => away);
    const failure = await annotate({ [NAME]: 'many' }).catch(String);
    expect(failure).to.contain('is away');
    away = false;
    await annotate({ [NAME]: 'many' });
    expect(events).to.have.length(1);
  });

  it('are reported again when what is wrong changes, or comes back', async () => {
    const { events, annotate } = setup();
    for (const value of ['many', 'more', '3', 'more']) await annotate({ [NAME]: value });
    expect(events).to.have.length(3);
  });

  it('name the entries of opaque-ports that say nothing', async () => {
    const { events, annotate } = setup();
    const name = 'config.linkerd.io/opaque-ports';
    for (const value of ['http,80', 'http,mysql', 'mysql', '']) await annotate({ [name]: value });
    expect(events).to.deep.equal([
      `Service app/web Warning InvalidAnnotation: metadata.annotations[${name}] holds without "mysql": no port, range or name of a port of this object`,
      `Service app/web Warning InvalidAnnotation: metadata.annotations[${name}] must have a port, a range or a known name, not "mysql"`,
    ]);
  });

  it('of a Service that is gone are forgotten', async () => {
    const { held, events, reporter, annotate } = setup();
    await annotate({ [NAME]: 'many' });
    held.clear();
    await reporter.reconcile('app/web', signal);
    await annotate({ [NAME]: 'many' });
    expect(events).to.have.length(2);
  });

  it('are named five at most', async () => {
    const { events, annotate } = setup();
    await annotate(Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`retry.linkerd.io/x${i}`, ''])));
    expect(events[0]).to.match(/x4\] is not known and has no effect; and 3 more$/);
  });

  it('without a fault are nothing to talk about', async () => {
    const { events, log, annotate } = setup();
    await annotate({ [NAME]: '3' });
    expect([events, log.lines]).to.deep.equal([[], []]);
  });
});
