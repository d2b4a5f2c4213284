import { Document, isScalar, Scalar, visit } from 'yaml';
import { printable } from '../../crds/scalars/scalar.ts';
import { harmless } from './harmless.ts';

/** A document of YAML that a terminal may show: texts with controls stand in double quotes, where an escape means the character (YAML 1.2.2 §5.7). */
export function yamlOf(value: unknown): string {
  const document = new Document(value ?? null, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_, node) => {
      if (isScalar(node) && typeof node.value === 'string' && printable(node.value) !== node.value) {
        node.type = Scalar.QUOTE_DOUBLE;
      }
    },
  });
  return harmless(document.toString({ lineWidth: 0 }));
}
