import { t } from '@vscode/l10n';
import type { DomainSize, PhotoCount } from '../../backups';
import { formatBytes, formatNumber, formatPercent } from '../../texts/format';
import { treemap } from './treemap';

export interface Contents {
  /** Device and date. */
  readonly title: string;
  readonly domains: readonly DomainSize[];
  /** Absent without a photo library. */
  readonly photos?: PhotoCount;
  /** Name of the version before, if it could be compared; or why there is no comparison. */
  readonly before: { readonly name: string } | { readonly why: string };
}

const WIDTH = 1000;
const HEIGHT = 420;
const COLORS = 6;
/** A cell that is smaller has no room for its name; the table and its tooltip have it. */
const NAMED_WIDTH = 70;
const NAMED_HEIGHT = 34;
const CHARACTER = 7.2;

/** The page “What is in it”: a treemap, and behind it the same as a table. No scripts. */
export function contentsHtml({ title, domains, photos, before }: Contents, nonce: string): string {
  const bytes = domains.reduce((sum, one) => sum + one.bytes, 0);
  const files = domains.reduce((sum, one) => sum + one.files, 0);
  const compared = 'name' in before;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'nonce-${nonce}';">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style nonce="${nonce}">${css}</style>
</head>
<body>
<main>
<h1>${escape(title)}</h1>
<p>${escape(t('{0} in {1} files.', formatBytes(bytes), formatNumber(files)))} ${escape(
    compared ? t('Compared with {0}.', before.name) : before.why,
  )}</p>
${photosElsewhere(photos)}
<nav aria-label="${escape(t('Sizes as areas; each leads to its row in the table'))}">
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="list">
${map(domains, bytes)}
</svg>
</nav>
${compared ? grown(domains) : ''}
<h2>${escape(t('All Apps and Domains'))}</h2>
<table>
<thead><tr>
<th scope="col">${escape(t('Name'))}</th>
<th scope="col" class="number">${escape(t('Size'))}</th>
<th scope="col" class="number">${escape(t('Share'))}</th>
<th scope="col" class="number">${escape(t('Files'))}</th>
${compared ? `<th scope="col" class="number">${escape(t('Since Then'))}</th>` : ''}
</tr></thead>
<tbody>
${domains.map((one, index) => row(one, index, bytes, compared)).join('\n')}
</tbody>
</table>
</main>
</body>
</html>`;
}

function map(domains: readonly DomainSize[], bytes: number): string {
  const indexed = domains.map((one, index) => ({ one, index }));
  return treemap(indexed, ({ one }) => one.bytes, WIDTH, HEIGHT)
    .map(({ item: { one, index }, x, y, width, height }) => {
      const text = `${one.name}: ${formatBytes(one.bytes)}, ${formatPercent(one.bytes / bytes)}`;
      const named = width >= NAMED_WIDTH && height >= NAMED_HEIGHT;
      const room = Math.floor((width - 12) / CHARACTER);
      const box = `x="${round(x + 1)}" y="${round(y + 1)}" width="${round(Math.max(0, width - 2))}" height="${round(Math.max(0, height - 2))}"`;
      return `<a href="#row-${index}" role="listitem" aria-label="${escape(text)}"><title>${escape(text)}</title>
<rect class="color-${index % COLORS}" ${box} rx="2"/>${
        named
          ? `<text x="${round(x + 8)}" y="${round(y + 19)}">${escape(cut(lastName(one.name), room))}</text>
<text class="size" x="${round(x + 8)}" y="${round(y + 35)}">${height >= 44 ? escape(cut(formatBytes(one.bytes), room)) : ''}</text>`
          : ''
      }</a>`;
    })
    .join('\n');
}

/** The commonest surprise of a backup: the photos are somewhere else. */
function photosElsewhere(photos: PhotoCount | undefined): string {
  if (!photos || photos.here >= photos.listed) return '';
  const text = t(
    'The photo library lists {0} photos and videos; {1} of them are in this backup. The others are in iCloud: what is there, no device puts into a backup.',
    formatNumber(photos.listed),
    formatNumber(photos.here),
  );
  return `<p class="elsewhere">${escape(text)}</p>`;
}

/** What grew most, in a sentence each: the question that people come with. */
function grown(domains: readonly DomainSize[]): string {
  const rows = domains
    .map((one) => ({ one, by: one.bytes - (one.before?.bytes ?? 0) }))
    .filter(({ by }) => by > 0)
    .sort((left, right) => right.by - left.by)
    .slice(0, 5);
  const heading = `<h2>${escape(t('What Grew'))}</h2>`;
  if (rows.length === 0) return `${heading}<p>${escape(t('Nothing grew.'))}</p>`;
  const items = rows.map(({ one, by }) => `<li>${escape(t('{0}: {1} more', one.name, formatBytes(by)))}</li>`);
  return `${heading}<ol>${items.join('')}</ol>`;
}

function row(
  { name, domain, bytes, files, before }: DomainSize,
  index: number,
  total: number,
  compared: boolean,
): string {
  const share = total === 0 ? '' : formatPercent(bytes / total);
  return `<tr id="row-${index}" tabindex="-1">
<th scope="row" title="${escape(domain)}"><span class="swatch color-${index % COLORS}"></span>${escape(name)}</th>
<td class="number">${escape(formatBytes(bytes))}</td>
<td class="number">${escape(share)}</td>
<td class="number">${escape(formatNumber(files))}</td>
${compared ? `<td class="number">${escape(change(bytes - (before?.bytes ?? 0)))}</td>` : ''}
</tr>`;
}

function change(by: number): string {
  if (by === 0) return '–';
  return by > 0 ? `+${formatBytes(by)}` : `−${formatBytes(-by)}`;
}

function lastName(name: string): string {
  return name.slice(name.indexOf('/') + 1);
}

function cut(text: string, room: number): string {
  const letters = [...text];
  return letters.length <= room ? text : `${letters.slice(0, Math.max(1, room - 1)).join('')}…`;
}

function round(value: number): string {
  return value.toFixed(1);
}

/** Names come from the device and from app stores. */
function escape(text: string): string {
  return text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
}

const css = `
body { padding: 0 1.5em 2em; max-width: 64em; margin: 0 auto; color: var(--vscode-foreground); font: var(--vscode-font-size)/1.45 var(--vscode-font-family); }
h1 { font-size: 1.5em; font-weight: 600; margin: 1em 0 0.2em; }
h2 { font-size: 1.1em; font-weight: 600; margin: 1.6em 0 0.4em; }
p { margin: 0.2em 0 1em; }
.elsewhere { border-left: 3px solid var(--vscode-editorInfo-foreground); padding-left: 0.8em; }
svg { display: block; width: 100%; height: auto; }
svg a { cursor: pointer; outline: none; }
rect { stroke: var(--vscode-editor-background); stroke-width: 1; fill-opacity: 0.35; }
svg a:hover rect { fill-opacity: 0.55; }
svg a:focus-visible rect { stroke: var(--vscode-focusBorder); stroke-width: 3; fill-opacity: 0.55; }
text { font: 600 13px var(--vscode-font-family); fill: var(--vscode-foreground); pointer-events: none; }
text.size { font-weight: 400; }
.color-0 { fill: var(--vscode-charts-blue); background: var(--vscode-charts-blue); }
.color-1 { fill: var(--vscode-charts-green); background: var(--vscode-charts-green); }
.color-2 { fill: var(--vscode-charts-orange); background: var(--vscode-charts-orange); }
.color-3 { fill: var(--vscode-charts-purple); background: var(--vscode-charts-purple); }
.color-4 { fill: var(--vscode-charts-yellow); background: var(--vscode-charts-yellow); }
.color-5 { fill: var(--vscode-charts-red); background: var(--vscode-charts-red); }
.vscode-high-contrast rect { fill: var(--vscode-editor-background); fill-opacity: 1; stroke: var(--vscode-contrastBorder); stroke-width: 2; }
.swatch { display: inline-block; width: 0.7em; height: 0.7em; border-radius: 2px; margin-right: 0.6em; }
.vscode-high-contrast .swatch { display: none; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 0.3em 0.6em; border-bottom: 1px solid var(--vscode-widget-border, var(--vscode-panel-border)); overflow-wrap: anywhere; }
th[scope=row] { font-weight: 400; }
thead th { font-weight: 600; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
tr:target { background: var(--vscode-list-activeSelectionBackground); color: var(--vscode-list-activeSelectionForeground); }
ol { margin: 0.2em 0; padding-left: 1.6em; }
`;
