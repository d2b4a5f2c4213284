import type { Registry } from 'prom-client';

/** What `/metrics` answers. The library spells what is no number `Nan` (of the event loop, at times), which the format does not allow: it is `NaN`. */
export async function exposition(registry: Registry): Promise<{ contentType: string; body: string }> {
  const text = await registry.metrics();
  return { contentType: registry.contentType, body: text.replaceAll(/ Nan$/gm, ' NaN') };
}
