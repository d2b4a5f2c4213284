import type { Document } from 'yaml';

/**
 * Documents whose objects were changed, printed anew in the manner of the text that they were read from: JSON, or YAML whose lists are indented or
 * not, and whose brackets have spaces within or not.
 */
export function printed(documents: readonly Document.Parsed[], text: string): string {
  if (isJson(text)) return `${JSON.stringify(documents[0]!.toJS(), null, 2)}\n`;
  const flowCollectionPadding = !/[[{][^\s\]}]/.test(text);
  const indentSeq = !/^( *)[^\s#-][^\n]*:[ \r]*\n\1- /m.test(text);
  return documents.map((document) => document.toString({ lineWidth: 0, indentSeq, flowCollectionPadding })).join('');
}

function isJson(text: string): boolean {
  if (!/^\s*\{/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
