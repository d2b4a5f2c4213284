/** How often each proxy reports. */
export const REPORT_MS = 10_000;
/** Parts of that time in each of which as many proxies report. */
export const SLICES = 10;
