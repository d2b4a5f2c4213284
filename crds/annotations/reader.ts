import type { MeshModel } from '../kinds/mesh/model.ts';
import { NO_NAMES, type PortNames } from '../scalars/port-list.ts';
import { invalid } from '../scalars/scalar.ts';
import type { Annotation, Place, Reading } from './annotation.ts';

/** Longest value that is read: a list of a thousand ports. An object may carry 256 KiB. */
const MAX_LENGTH = 8_192;

export type Annotations = Readonly<Record<string, string>>;

export interface Layer {
  place: Place;
  annotations: Annotations;
}

/** Something about a value that its author should know; `text` is a phrase behind the annotation's name. */
export interface Finding {
  name: string;
  place: Place;
  /** The next in line counts; or the strictest value holds; or the value holds in part; or it holds, and has no effect. */
  kind: 'passedOver' | 'strictest' | 'partly' | 'idle';
  text: string;
}

/** Who is asked, one after the other, and who is told. */
export interface Chain {
  layers: readonly Layer[];
  mesh: MeshModel;
  /** Of the object that the values are about; absent: names of ports mean nothing. */
  names?: PortNames;
  report?: (finding: Finding) => void;
}

/** How a value is read where it stands: a reader may be narrower than the annotation's own parser, never wider. */
type Parse<T> = (text: string, names: PortNames, place: Place) => Reading<T>;

/** Reads annotations of one object over those that stand behind it. Objects are hostile like all that users write: nothing throws. */
export class AnnotationReader {
  readonly #chain: Chain;
  readonly #inherited: Record<string, string> = {};

  constructor(chain: Chain) {
    this.#chain = chain;
  }

  /** Annotations that took effect from the namespace. */
  get inherited(): Annotations {
    return this.#inherited;
  }

  /** What the first object in line says that says something; else what the annotation comes to without any. */
  value<T>(annotation: Annotation<T>, parse: Parse<T> = annotation.parse): T {
    const found = this.read(annotation, parse);
    return found === undefined ? annotation.otherwise.value(this.#chain.mesh) : found;
  }

  /** `undefined` where nobody says anything. */
  read<T>(annotation: Annotation<T>, parse: Parse<T> = annotation.parse): T | undefined {
    let decided: T | undefined;
    // All names, so that what is wrong with an older one is said too.
    for (const name of annotation.names) {
      const value = this.#readName(annotation, name, parse);
      if (decided === undefined) decided = value;
    }
    return decided;
  }

  /** As written, by whoever comes first; `undefined` where nobody has it. */
  textOf(annotation: Annotation<unknown>): string | undefined {
    for (const name of annotation.names) {
      const layer = this.#chain.layers.find(({ annotations }) => textAt(annotations, name) !== undefined);
      if (layer !== undefined) return layer.annotations[name];
    }
    return undefined;
  }

  /** Reports what only several annotations together show. */
  report(annotation: Annotation<unknown>, kind: Finding['kind'], text: string): void {
    const [name] = annotation.names;
    this.#chain.report?.({ name, place: this.#chain.layers[0]?.place ?? 'workload', kind, text });
  }

  #readName<T>(annotation: Annotation<T>, name: string, parse: Parse<T>): T | undefined {
    const { strictest } = annotation;
    for (const { place, annotations } of this.#chain.layers) {
      const text = annotation.on.includes(place) ? textAt(annotations, name) : undefined;
      if (text === undefined || (text === '' && strictest?.empty === 'none')) continue;
      const reading = this.#parse(text, place, parse);
      if (!reading.ok && strictest === null) {
        this.#chain.report?.({ name, place, kind: 'passedOver', text: reading.problem });
        continue;
      }
      if (place === 'namespace') this.#inherited[name] = text;
      if (!reading.ok) {
        this.#chain.report?.({ name, place, kind: 'strictest', text: `${reading.problem}; ${strictest!.means}` });
        return strictest!.value;
      }
      if (reading.leftOut !== undefined) {
        this.#chain.report?.({ name, place, kind: 'partly', text: reading.leftOut });
      }
      return reading.value;
    }
    return undefined;
  }

  #parse<T>(text: string, place: Place, parse: Parse<T>): Reading<T> {
    if (text.length > MAX_LENGTH) return invalid(`must be at most ${MAX_LENGTH} characters long`);
    return parse(text, this.#chain.names ?? NO_NAMES, place);
  }
}

/** The own annotation of one object. */
export function textAt(annotations: Annotations, name: string): string | undefined {
  return Object.hasOwn(annotations, name) ? annotations[name] : undefined;
}
