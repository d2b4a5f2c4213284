import fc from 'fast-check';
import { renderLabels } from '../../../proxy-image/io/telemetry/labels.ts';
import { readLabels } from '../../../proxy-image/io/telemetry/traffic/label-text.ts';

describe('labels of a series of the recorder', () => {
  const names = fc.stringMatching(/^[a-z][a-z0-9_]{0,10}$/);
  const values = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.string({ unit: fc.constantFrom('"', '\\', '\n', 'n', ',', '=', 'a', '{'), maxLength: 20 }),
  );

  it('are read as they were written, whatever clients and objects are called', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(names, values), { selector: ([name]) => name }), (labels) => {
        const read = [...readLabels(renderLabels(labels))];
        return JSON.stringify(read) === JSON.stringify(labels);
      }),
    );
  });
});
