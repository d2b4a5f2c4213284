import type { Frame } from './profile.ts';

const WIDTH = 1200;
const ROW_HEIGHT = 17;
const TOP = 30;
/** Narrower frames are left out: nobody could see them. */
const MIN_WIDTH = 0.3;
const CHARACTER_WIDTH = 6.6;
const MIN_LETTERS = 3;

/** A flame graph in one file: callers below, width is time; a frame tells its share when pointed at, and fills the width when clicked. */
export function flameSvg(title: string, root: Frame): string {
  const boxes = layout(root);
  const height = TOP + (Math.max(...boxes.map(({ depth }) => depth)) + 2) * ROW_HEIGHT;
  const totalMs = (root.totalUs / 1000).toFixed(0);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="monospace" font-size="11">
<rect width="100%" height="100%" fill="#fff"/>
<text x="${WIDTH / 2}" y="18" text-anchor="middle" font-size="14">${escapeXml(title)} (${totalMs} ms)</text>
${boxes.map((box) => drawBox(box, root.totalUs, height)).join('\n')}
<script><![CDATA[${SCRIPT}]]></script>
</svg>
`;
}

interface Box {
  frame: Frame;
  depth: number;
  x: number;
  width: number;
}

function layout(root: Frame): Box[] {
  const boxes: Box[] = [];
  const place = (frame: Frame, depth: number, x: number): void => {
    const width = (frame.totalUs / Math.max(1, root.totalUs)) * WIDTH;
    if (width < MIN_WIDTH && depth > 0) return;
    boxes.push({ frame, depth, x, width });
    let left = x;
    for (const child of frame.children) {
      place(child, depth + 1, left);
      left += (child.totalUs / Math.max(1, root.totalUs)) * WIDTH;
    }
  };
  place(root, 0, 0);
  return boxes;
}

function drawBox({ frame, depth, x, width }: Box, allUs: number, height: number): string {
  const y = height - (depth + 1) * ROW_HEIGHT - 4;
  const share = ((frame.totalUs / Math.max(1, allUs)) * 100).toFixed(1);
  const own = ((frame.selfUs / Math.max(1, allUs)) * 100).toFixed(1);
  const title = `${frame.name}${frame.place === '' ? '' : ` (${frame.place})`}: ${share} %, itself ${own} %`;
  // A nested picture clips its text and can be stretched without being drawn again.
  return `<svg class="f" x="${x.toFixed(2)}" y="${y}" width="${width.toFixed(2)}" height="${ROW_HEIGHT - 1}" data-name="${escapeXml(frame.name)}"><title>${escapeXml(title)}</title><rect width="100%" height="100%" fill="${colour(frame)}" stroke="#fff" stroke-width="0.5"/><text x="3" y="12">${escapeXml(fitting(frame.name, width))}</text></svg>`;
}

function fitting(name: string, width: number): string {
  const letters = Math.floor((width - 4) / CHARACTER_WIDTH);
  return letters < MIN_LETTERS ? '' : name.slice(0, letters);
}

/** Native frames are blue, ours warm; the same function has the same colour everywhere. */
function colour({ name, place }: Frame): string {
  let hash = 0;
  for (const letter of name) hash = (hash * 31 + letter.charCodeAt(0)) % 997;
  return place === '' ? `hsl(${200 + (hash % 25)} 60% 75%)` : `hsl(${10 + (hash % 45)} 85% 68%)`;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

/** Stretches what was clicked, and all above and below it, to the full width; a click on the lowest frame shows all again. */
const SCRIPT = `
const frames = [...document.querySelectorAll('.f')].map((element) => ({
  element,
  x: Number(element.getAttribute('x')),
  width: Number(element.getAttribute('width')),
}));
for (const { element, x, width } of frames) {
  element.addEventListener('click', () => {
    const factor = ${WIDTH} / width;
    for (const frame of frames) {
      const left = Math.max(0, (frame.x - x) * factor);
      const right = Math.min(${WIDTH}, (frame.x + frame.width - x) * factor);
      const visible = right - left > ${MIN_WIDTH};
      frame.element.setAttribute('display', visible ? 'inline' : 'none');
      if (!visible) continue;
      frame.element.setAttribute('x', left);
      frame.element.setAttribute('width', right - left);
      const letters = Math.floor((right - left - 4) / ${CHARACTER_WIDTH});
      frame.element.lastElementChild.textContent = letters < ${MIN_LETTERS} ? '' : frame.element.dataset.name.slice(0, letters);
    }
  });
}
`;
