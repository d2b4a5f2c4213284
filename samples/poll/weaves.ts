/** One of the candidates. */
export interface Pattern {
  /** In URLs, and with a capital letter behind `Vote` in the name of its method. */
  name: string;
  symbol: string;
}

/** What the poll is about. Each has a method of its own in poll.proto, so that the mesh can tell them apart by path. */
export const WEAVES: readonly Pattern[] = [
  { name: 'basket', symbol: '▦' },
  { name: 'brocade', symbol: '❖' },
  { name: 'damask', symbol: '❀' },
  { name: 'gingham', symbol: '▣' },
  { name: 'herringbone', symbol: '≫' },
  { name: 'houndstooth', symbol: '◪' },
  { name: 'leno', symbol: '∞' },
  { name: 'plain', symbol: '▤' },
  { name: 'satin', symbol: '▬' },
  { name: 'tartan', symbol: '▩' },
  { name: 'twill', symbol: '▨' },
  { name: 'waffle', symbol: '▥' },
];
