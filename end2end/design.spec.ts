// docs/design.md says what contrasts the colours have; here they are computed from what a browser makes of the style.
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from './support';

/** Foreground, the grounds it stands on, and what WCAG 2.2 asks for at level AA: 4.5 for text, 3 for the rest. */
const PAIRS: [string, string[], number][] = [
  ['ink', ['paper', 'card', 'sunk', 'wash', 'red-wash'], 4.5],
  ['soft', ['paper', 'card', 'sunk', 'wash', 'red-wash'], 4.5],
  ['accent', ['paper', 'card', 'sunk', 'wash'], 4.5],
  ['accent-strong', ['card', 'wash'], 4.5],
  ['on-accent', ['accent', 'accent-strong'], 4.5],
  ['red', ['paper', 'card', 'sunk', 'red-wash'], 4.5],
  ['on-stage', ['stage'], 4.5],
  ['edge', ['paper', 'card', 'sunk'], 3],
  ['amber', ['paper', 'card'], 3],
  ['green', ['paper', 'card'], 3],
  ['grey', ['paper', 'card'], 3],
];

const SCALE = ['0.8125rem', '0.875rem', '0.9375rem', '1rem', '1.0625rem', '1.1875rem'];

const description = resolve('../docs/design.md');

test('text and controls stand out from their grounds, as docs/design.md says', async ({ page }) => {
  await page.goto('/');
  const measured: Record<string, number[]> = {};
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    measured[colorScheme] = await page.evaluate((pairs) => {
      const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
      const context = canvas.getContext('2d', { willReadFrequently: true })!;
      const probe = document.body.appendChild(document.createElement('i'));
      const luminance = (name: string) => {
        probe.style.color = '';
        probe.style.color = `var(--${name})`;
        if (!getComputedStyle(document.documentElement).getPropertyValue(`--${name}`)) throw new Error(`no colour --${name}`);
        context.fillStyle = getComputedStyle(probe).color;
        context.fillRect(0, 0, 1, 1);
        const linear = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map((byte) => {
          const part = byte / 255;
          return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
      };
      return pairs.map(([front, ground]) => {
        const [bright, dim] = [luminance(front), luminance(ground)].sort((a, b) => b - a);
        return (bright + 0.05) / (dim + 0.05);
      });
    }, pairs());
  }
  const rows = pairs().map(([front, ground, least], at) => {
    // Down, so that no number promises more than there is.
    const [light, dark] = [measured.light[at], measured.dark[at]].map((ratio) => Math.floor(ratio * 10) / 10);
    expect.soft(light, `${front} on ${ground} in the light`).toBeGreaterThanOrEqual(least);
    expect.soft(dark, `${front} on ${ground} in the dark`).toBeGreaterThanOrEqual(least);
    return `| ${front} | ${ground} | ${least} | ${light.toFixed(1)} | ${dark.toFixed(1)} |`;
  });
  const table = ['| colour | on | at least | light | dark |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
  const text = readFileSync(description, 'utf8');
  const marked = /(<!-- contrasts -->\n)[^]*?(<!-- \/contrasts -->)/;
  expect(text).toMatch(marked);
  if (process.env.CUELIGHT_UPDATE_DOCS) writeFileSync(description, text.replace(marked, `$1${table}\n$2`));
  else expect(marked.exec(text)![0], 'CUELIGHT_UPDATE_DOCS=1 writes it anew').toContain(`\n${table}\n`);
});

const pairs = () => PAIRS.flatMap(([front, grounds, least]) => grounds.map((ground) => [front, ground, least] as const));

test('colours are tokens, and letters have the sizes of one scale', () => {
  const style = readFileSync(resolve('../style/main.css'), 'utf8').replace(/\/\*[^]*?\*\//g, '');
  // A cue of the player is in a tree of its own, where not every browser knows our tokens.
  const rest = style.replace(/@layer tokens \{[^]*?\n\}/, '').replace(/url\([^)]*\)|::cue \{[^}]*\}/g, '');
  expect(rest).not.toBe(style);
  expect(rest.match(/#[0-9a-f]{3,8}\b|\b(?:rgba?|hsl|oklch|oklab|light-dark)\(/gi) ?? []).toEqual([]);
  const sizes = [...rest.matchAll(/[;{] *font(?:-size)?: ([^;}]*)/g)].flatMap(([, value]) => /^clamp/.test(value) ? [] : [...value.matchAll(/([\d.]+)(rem|px|em)\b/g)]);
  expect(sizes.length).toBeGreaterThan(20);
  const odd = sizes.map(([found]) => found).filter((found) => !SCALE.includes(found));
  expect(odd, 'sizes of letters that are not of the scale').toEqual([]);
});
