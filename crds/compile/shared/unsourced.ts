/** A body before `sources` is known: the compiler's functions are pure over what they read, the recording knows how new that was. */
export type Unsourced<R> = R extends unknown ? Omit<R, 'sources'> : never;
