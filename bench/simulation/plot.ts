import type { Figures, Scenario } from './scenarios.ts';

const WIDTH = 860;
const LEFT = 16;
const BARS_LEFT = 420;
const ROW = 64;
const BARS_HEIGHT = 40;
const BAR_WIDTH = 16;
/** Bars are on a logarithmic scale up to this many token requests an hour. */
const MOST = 10_000;

/**
 * Token requests by hour, one row of bars for each scenario. Plain SVG, readable on light and dark pages. The figures stand
 * in the table below it.
 */
export function plot(results: readonly (readonly [Scenario, Figures])[]): string {
  const height = results.length * ROW + 60;
  const rows = results.map(([scenario, figures], index) => row(scenario, figures, 44 + index * ROW));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="13">`,
    `<style>.l{stroke:#bbb}.b{stroke:#2f6fb2;stroke-width:${BAR_WIDTH}}</style>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(LEFT, 24, 'Token requests per hour (logarithmic), hour 1 to 24', ' font-weight="600"'),
    ...rows,
    '</svg>',
    '',
  ].join('\n');
}

function row(scenario: Scenario, figures: Figures, top: number): string {
  const { tokenRequests } = figures;
  const step = (WIDTH - BARS_LEFT - LEFT) / 24;
  const base = top + BARS_HEIGHT;
  const bars = tokenRequests.map((count, hour) => {
    if (count === 0) return '';
    const tall = Math.max(2, (Math.log10(count + 1) / Math.log10(MOST + 1)) * BARS_HEIGHT).toFixed(0);
    // Lines as wide as a bar: half the bytes of rectangles, in a package that has a megabyte.
    return `M${(BARS_LEFT + hour * step + BAR_WIDTH / 2).toFixed(0)} ${base}v-${tall}`;
  });
  return [
    text(LEFT, top + 16, escaped(scenario.name)),
    `<path class="l" d="M${BARS_LEFT} ${base}h${WIDTH - LEFT - BARS_LEFT}"/>`,
    `<path class="b" d="${bars.join('')}"/>`,
  ].join('\n');
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${x}" y="${y}"${attributes}>${content}</text>`;
}

function escaped(content: string): string {
  return content.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}
