import type { MeshModel } from '../kinds/mesh/model.ts';
import type { PortNames } from '../scalars/port-list.ts';

/** Objects that annotations stand on; a workload is a Pod, or the template of one. */
export type Place = 'workload' | 'namespace' | 'service' | 'httpRoute' | 'grpcRoute';

/** What one value comes to. `leftOut`: what it holds without, as a phrase behind the annotation's name. Problems are phrases of the same kind ("must be …"). */
export type Reading<T> = { ok: true; value: T; leftOut?: string } | { ok: false; problem: string };

/** What holds where no object of the line says anything. */
export interface Otherwise<T> {
  /** As the documentation says it. */
  readonly text: string;
  readonly value: (mesh: MeshModel) => T;
}

/** For what keeps clients out: what stands behind a value that cannot be read may be laxer than what was meant. */
export interface Strictest<T> {
  readonly value: T;
  /** What people are told of it. */
  readonly means: string;
  /** Of an annotation that is there and empty: no value at all, or one that cannot be read. */
  readonly empty: 'none' | 'unreadable';
}

/**
 * One annotation: everything that any part of Weft knows of it. Injection, compiler and the reports to users read it through `AnnotationReader`, so that
 * they cannot differ in what a value means, in who is asked first, or in what a mistake comes to.
 */
export interface Annotation<T> {
  /** In order of precedence: the first name that says something decides. */
  readonly names: readonly [name: string, ...older: string[]];
  readonly on: readonly Place[];
  /** @param names what names of ports in the value stand for, on the object that it is about */
  readonly parse: (text: string, names: PortNames) => Reading<T>;
  /** What a value means that cannot be read; `null`: nothing, the next in line counts. */
  readonly strictest: Strictest<T> | null;
  readonly otherwise: Otherwise<T>;
}

/** `text` where the documentation shows the value in other words. */
export function constant<T>(value: T, text = `\`${String(value)}\``): Otherwise<T> {
  return { text, value: () => value };
}

/** @param path of the field, as users write it */
export function ofMesh<T>(path: string, value: (mesh: MeshModel) => T): Otherwise<T> {
  return { text: `Mesh \`${path}\``, value };
}
