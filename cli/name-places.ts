/** What stands at a place of a command line: objects as `TYPE/NAME`, or names of one kind. */
export const NAME_PLACES = ['resource', 'pod', 'service', 'namespace'] as const;
export type NamePlace = (typeof NAME_PLACES)[number];
