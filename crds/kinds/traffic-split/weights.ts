/** Without any weight a division says nothing: traffic goes where it would go without it (SMI: TrafficSplit). */
export function hasWeight(shares: readonly { weight: number }[]): boolean {
  return shares.some(({ weight }) => weight > 0);
}
