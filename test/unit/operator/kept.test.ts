import { expect } from 'chai';
import type { ObjectReference } from '../../../operator/kube/apply.ts';
import { Kept } from '../../../operator/kube/kept.ts';
import { RequestError } from '../../../operator/runtime/errors.ts';
import type { RawObject } from '../../../operator/runtime/list-watch.ts';
import { signal } from './status-rig.ts';

const REFERENCE: ObjectReference = {
  type: { group: 'admissionregistration.k8s.io', version: 'v1', plural: 'validatingwebhookconfigurations' },
  kind: 'ValidatingWebhookConfiguration',
  namespace: '',
  name: 'weft-validator',
};

/** An API server with one object, whose version is another after each write. */
function rig() {
  let stored: (RawObject & { [field: string]: unknown }) | null = null;
  let version = 0;
  const writes: unknown[] = [];
  const write = (content: object) => {
    version += 1;
    stored = { ...stored, ...content, metadata: { resourceVersion: String(version) } };
  };
  const rest = {
    async json<R>(): Promise<R> {
      if (stored === null) throw new RequestError('NotFound', 'none');
      return stored as R;
    },
  };
  const applier = {
    async apply<R>(_: ObjectReference, content: object): Promise<R> {
      writes.push(content);
      write(content);
      return stored as R;
    },
  };
  const kept = new Kept(rest, applier);
  const keep = async (content: Record<string, unknown>) =>
    kept.keep(REFERENCE, content, await kept.find(REFERENCE, signal), signal);
  const remove = () => {
    stored = null;
  };
  return { keep, write, remove, writes };
}

describe('an object that is kept as it is wanted', () => {
  it('is written once, however often it is looked at', async () => {
    const { keep, writes } = rig();
    for (let i = 0; i < 5; i++) await keep({ webhooks: [1] });
    expect(writes).to.deep.equal([{ webhooks: [1] }]);
  });

  it('is written again when something else is wanted', async () => {
    const { keep, writes } = rig();
    await keep({ webhooks: [1] });
    await keep({ webhooks: [2] });
    await keep({ webhooks: [2] });
    expect(writes).to.deep.equal([{ webhooks: [1] }, { webhooks: [2] }]);
  });

  it('is written again, once, when somebody has edited or deleted it', async () => {
    const { keep, write, remove, writes } = rig();
    await keep({ webhooks: [1] });
    write({ webhooks: [] });
    await keep({ webhooks: [1] });
    await keep({ webhooks: [1] });
    expect(writes).to.have.length(2);
    remove();
    await keep({ webhooks: [1] });
    await keep({ webhooks: [1] });
    expect(writes).to.have.length(3);
  });

  it('is written by who has just begun, and does not know who made it', async () => {
    const { keep, write, writes } = rig();
    write({ webhooks: [1] });
    await keep({ webhooks: [1] });
    expect(writes).to.deep.equal([{ webhooks: [1] }]);
  });
});
