import type { Table } from './rows.ts';

/** `kubectl get` says so where it is to print columns; what only takes the object does not. */
export function asksForTable(accept: string): boolean {
  return accept.split(',').some((each) => {
    const [type, ...parameters] = each.split(';').map((part) => part.trim());
    return (
      type === 'application/json' && ['as=Table', 'v=v1', 'g=meta.k8s.io'].every((each) => parameters.includes(each))
    );
  });
}

/** `meta.k8s.io/v1` `Table`. Columns of priority 1 are those of `-o wide`. */
export function tableObject({ columns, rows }: Table): object {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: {},
    columnDefinitions: columns.map(({ name, type, description, wide }) => ({
      name,
      type,
      format: '',
      description,
      priority: wide === true ? 1 : 0,
    })),
    rows: rows.map(({ name, namespace, cells }) => ({
      cells,
      object: {
        kind: 'PartialObjectMetadata',
        apiVersion: 'meta.k8s.io/v1',
        metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
      },
    })),
  };
}
