/** Of the series that takes what no longer finds room: says that it is a sum of others. */
export const OVERFLOW_LABELS: string = 'weft_overflow="true"';
