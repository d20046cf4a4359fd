// What a person does, from the link to the file, on one long talk that the tests share, in this order.
import { readFileSync } from 'node:fs';
import type { APIRequestContext, Page } from '@playwright/test';
import { cuesOf, edits, expect, forgive, openEditor, speechVideo, test, toFirstCue } from './support';
import { Site } from './site';

const lines = (page: Page) => page.locator('.line');
const words = (page: Page, at: number) => lines(page).nth(at).locator('.words');
const area = (page: Page) => page.getByLabel('Text of this cue');
const saved = (page: Page) => expect(page.locator('.saving')).toHaveText('Saved');
const track = async (request: APIRequestContext) => (await request.get(`/api/v1/jobs/${talk}/track.json`)).json();
const texts = async (request: APIRequestContext): Promise<string[]> =>
  (await track(request)).cues.map(({ text }: { text: string }) => text);

test.describe.configure({ mode: 'serial' });

let site: Site;
let talk: string;

test.beforeAll(async () => {
  site = await Site.with(speechVideo(900));
});
test.afterAll(() => site.close());

test('a pasted link becomes captions, and a cue is corrected, split and taken back while more arrive', async ({ page, request, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto('/');
  await page.evaluate((link) => navigator.clipboard.writeText(link), site.link('talk.mp4'));
  await page.getByLabel('Link to a video or sound file').focus();
  await page.keyboard.press('Control+v');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/jobs\/[0-9a-f]{32}$/);
  talk = page.url().split('/').pop()!;
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('talk.mp4');
  await page.getByRole('link', { name: 'Edit' }).click();
  await edits(page);
  let loads = 0;
  page.on('framenavigated', () => loads++);

  await toFirstCue(page);
  await words(page, 0).click();
  await area(page).fill('Typed by hand.');
  await saved(page);
  const job = async () => (await request.get(`/api/v1/jobs/${talk}`)).json();
  expect((await job()).status).toBe('running');
  await area(page).evaluate((area: HTMLTextAreaElement) => area.setSelectionRange(5, 5));
  await page.keyboard.press('Control+Enter');
  await expect(area(page)).toHaveValue('by hand.');
  await expect(area(page)).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(words(page, 0)).toHaveText('Typed');
  await expect(words(page, 1)).toHaveText('by hand.');
  await saved(page);
  await expect.poll(() => texts(request)).toEqual(expect.arrayContaining(['Typed', 'by hand.']));
  await page.keyboard.press('Control+z');
  await expect(words(page, 0)).toHaveText('Typed by hand.');
  await saved(page);
  await expect.poll(async () => (await texts(request))[0]).toBe('Typed by hand.');

  const shown = () => page.evaluate(() => document.querySelector('video')!.textTracks[0].cues!.length);
  const before = await shown();
  expect((await job()).status).toBe('running');
  await expect.poll(shown).toBeGreaterThan(before);
  await expect(page.getByRole('status').filter({ hasText: 'Completed' })).toBeVisible({ timeout: 90_000 });
  expect(loads, 'all of it was pushed').toBe(0);
  expect(await shown()).toBe((await track(request)).cues.length);
});

test('words are replaced by an expression, the profile is switched, and the files say the same as the page', async ({ page, request }) => {
  await openEditor(page, talk);
  const count = (await texts(request)).join(' ').match(/country/g)!.length;
  await page.locator('.frame').focus();
  await page.keyboard.press('Control+f');
  await page.getByRole('button', { name: 'Regular expression' }).click();
  await page.getByRole('searchbox', { name: 'Find' }).fill('\\bc(ount)ry\\b');
  await expect(page.locator('.find [role=status]')).toHaveText(`1 of ${count}`);
  await page.getByRole('textbox', { name: 'Replace by' }).fill('$1ess');
  await page.getByRole('button', { name: 'Replace all' }).click();
  await expect(page.locator('.find [role=status]')).toHaveText('Not found');
  await saved(page);
  await page.keyboard.press('Escape');

  // Short lines break what was laid out for long ones.
  const check = page.getByLabel('Check by the rules of');
  const summary = page.locator('.summary [role=status]');
  await check.selectOption('netflix');
  await expect(summary).toBeVisible();
  const byNetflix = await summary.textContent();
  await check.selectOption('shorts');
  await expect(summary).toHaveText(/^\d+ problems in \d+ cues$/);
  expect(await summary.textContent()).not.toBe(byNetflix);
  const short = cuesOf(await (await request.get(`/api/v1/jobs/${talk}/track.srt?profile=shorts`)).text());
  const { cues } = await track(request);
  expect(short.length).toBeGreaterThan(cues.length);

  for (const name of ['VTT', 'SRT']) {
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: new RegExp(`^${name}`) }).click();
    const file = await download;
    expect(file.suggestedFilename()).toBe(`talk.${name.toLowerCase()}`);
    const read = cuesOf(readFileSync((await file.path())!, 'utf8'));
    expect(read).toEqual(cues.map(({ start, end, text }: (typeof read)[0]) => ({ start, end, text })));
    expect(read[0].text).toBe('Typed by hand.');
    const all = read.map(({ text }) => text).join(' ');
    expect(all.match(/ountess/g)!.length).toBe(count);
    expect(all).not.toContain('country');
  }
});

test('two tabs correct the same cue, and the second one is asked which text stays', async ({ page, request, context, said }) => {
  await openEditor(page, talk);
  const other = await context.newPage();
  await openEditor(other, talk);
  // Sent only when the first tab has saved.
  let release = () => {};
  const held = new Promise<void>((go) => (release = go));
  await other.route('**/corrections', async (route) => {
    await held;
    await route.continue();
  });
  await words(other, 1).click();
  await area(other).fill('As the second tab has it.');
  await words(page, 1).click();
  await area(page).fill('As the first tab has it.');
  await saved(page);
  release();
  const question = other.getByRole('group', { name: 'Somebody else changed' });
  await expect(question).toContainText('As the second tab has it.');
  await other.keyboard.press('Escape');
  await expect(words(other, 1)).toHaveText('As the first tab has it.');
  expect((await texts(request))[1]).toBe('As the first tab has it.');
  await question.getByRole('button', { name: 'Keep mine' }).click();
  await expect(question).toBeHidden();
  await saved(other);
  await page.keyboard.press('Escape');
  await expect(words(page, 1)).toHaveText('As the second tab has it.');
  expect((await texts(request))[1]).toBe('As the second tab has it.');
  forgive(said, '412 (Precondition Failed)');
  await other.close();
});

test('at 200 % nothing is cut off, runs out or stands in the way', async ({ browser, baseURL }) => {
  // A window of 1280 by 960.
  const context = await browser.newContext({ baseURL, viewport: { width: 640, height: 480 }, deviceScaleFactor: 2 });
  const page = await context.newPage();
  const said: string[] = [];
  page.on('console', (message) => said.push(message.text()));
  await page.goto('/');
  await page.getByText('Options', { exact: true }).click();
  await fits(page);
  await page.goto('/ops');
  await fits(page);
  await page.goto(`/jobs/${talk}`);
  await expect(page.getByRole('link', { name: /^SRT/ })).toBeVisible();
  await fits(page);
  await openEditor(page, talk);
  await page.getByLabel('Check by the rules of').selectOption('shorts');
  await page.getByRole('button', { name: /^Find/ }).click();
  await words(page, 0).click();
  await expect(area(page)).toBeFocused();
  await fits(page);
  await area(page).fill('Typed by hand, in large letters.');
  await saved(page);
  expect(said).toEqual([]);
  await context.close();
});

/** Every text is whole and within the window, and everything that can be used can be reached by the mouse. */
async function fits(page: Page) {
  const cut = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const told = (element: Element, why: string) => `${why}: ${element.outerHTML.slice(0, 120)}`;
    const faults = [...document.querySelectorAll('body *')].flatMap((element) => {
      const box = element.getBoundingClientRect();
      const isSeen = element.checkVisibility() && box.width > 1 && box.height > 1 && !element.closest('.unseen, .skip, svg, video');
      if (!isSeen) return [];
      if (element.closest('.scroll') && !element.matches('.scroll')) return [];
      if (box.left < -0.5 || box.right > width + 0.5) return [told(element, 'outside')];
      const isCut = getComputedStyle(element).overflowX !== 'visible' && element.scrollWidth > element.clientWidth + 1;
      return isCut && !element.matches('.scroll, input, textarea') ? [told(element, 'cut off')] : [];
    });
    if (document.documentElement.scrollWidth > width) faults.push('the page scrolls sideways');
    return faults;
  });
  expect(cut).toEqual([]);
  const controls = page.locator('a[href], button:enabled, input, select, textarea, summary').filter({ visible: true });
  for (const control of await controls.all()) {
    // Of a long list those near the view stand for all.
    const isTried = await control.evaluate((control) => {
      const line = control.closest('.line, .row');
      return !control.matches('.skip, .unseen *') && (!line || [...line.parentElement!.children].indexOf(line) < 3);
    });
    if (isTried) await control.click({ trial: true, timeout: 5_000 });
  }
}
