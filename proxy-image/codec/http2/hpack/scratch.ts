import { Interned, Text } from './text.ts';

/** What is needed while one block is decoded. */
export class DecoderScratch {
  readonly #interned = new Interned();
  /** Texts of the field that is being read. */
  readonly name: Text = new Text(this.#interned);
  readonly value: Text = new Text(this.#interned);
  /** Fields read so far, until they are copied to a list of the right length. */
  readonly names: string[] = [];
  readonly values: string[] = [];
  /** Which of them were inserted into the dynamic table. */
  readonly insertions: number[] = [];
}
