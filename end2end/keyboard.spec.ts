// The whole journey without a mouse. At every stop of the Tab key the page must show where the keyboard is.
import { readFileSync } from 'node:fs';
import type { Locator, Page } from '@playwright/test';
import { cuesOf, edits, expect, speechAudio, test } from './support';
import { Site } from './site';

const MOST_STOPS = 80;

/** What has the focus is in view, and the page around it looks other than without. */
async function showsFocus(page: Page) {
  const box = await page.evaluate(() => {
    const element = document.activeElement!;
    const { x, y, width, height } = element.getBoundingClientRect();
    return { x, y, width, height, name: element.outerHTML.slice(0, 160), isPlayer: element.matches('video') };
  });
  const { width, height } = page.viewportSize()!;
  const left = Math.max(0, box.x - 6), top = Math.max(0, box.y - 6);
  const clip = {
    x: left, y: top,
    width: Math.min(width, box.x + box.width + 6) - left, height: Math.min(height, box.y + box.height + 6) - top,
  };
  expect(Math.min(clip.width, clip.height), `in view: ${box.name}`).toBeGreaterThan(6);
  // Its controls are the browser's, and come and go by themselves.
  if (box.isPlayer) return;
  const focused = await page.screenshot({ clip });
  const element = await page.evaluateHandle(() => document.activeElement as HTMLElement);
  await element.evaluate((element) => element.blur());
  const left_ = await page.screenshot({ clip });
  await element.evaluate((element) => element.focus({ preventScroll: true, focusVisible: true } as FocusOptions));
  expect(focused.equals(left_), `focus can be seen: ${box.name}`).toBe(false);
}

/** Presses Tab, or with Shift, until the keyboard is there. */
async function tabTo(page: Page, there: Locator, key = 'Tab') {
  for (let stop = 0; stop < MOST_STOPS; stop++) {
    await page.keyboard.press(key);
    await showsFocus(page);
    if (await there.evaluate((there) => there === document.activeElement)) return;
  }
  throw new Error(`not reached by ${MOST_STOPS} stops: ${there}`);
}

test('by keyboard alone a link is submitted, its words are corrected, downloaded and deleted', async ({ page }) => {
  const site = await Site.with(speechAudio());
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.goto('/');
  await page.keyboard.press('Tab');
  const skip = page.getByRole('link', { name: /^Skip/ });
  await expect(skip).toBeFocused();
  await expect(skip).toBeInViewport();
  await page.keyboard.press('Enter');
  await tabTo(page, page.getByLabel('Link to a video or sound file'));
  await page.keyboard.type(site.link('by-keyboard.wav'));
  // On to the button and back: no field keeps the keyboard for itself.
  await tabTo(page, page.getByRole('button', { name: 'Make subtitles' }));
  await tabTo(page, page.getByLabel('Link to a video or sound file'), 'Shift+Tab');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/jobs\/[0-9a-f]{32}$/);
  await expect(page.getByRole('status').filter({ hasText: 'Completed' })).toBeVisible({ timeout: 60_000 });

  await tabTo(page, page.getByRole('link', { name: 'Edit' }));
  await page.keyboard.press('Enter');
  await edits(page);
  await tabTo(page, page.locator('.frame'));
  const line = (at: number) => page.locator('.line .words').nth(at);
  await page.keyboard.press('ArrowDown');
  await expect(line(0)).toBeFocused();
  await showsFocus(page);
  await page.keyboard.press('ArrowDown');
  await expect(line(1)).toBeFocused();
  await showsFocus(page);
  await page.keyboard.press('Enter');
  const area = page.getByLabel('Text of this cue');
  await expect(area).toBeFocused();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('Without a mouse');
  await tabTo(page, page.getByRole('button', { name: 'Done' }));
  await page.keyboard.press('Enter');
  await expect(line(1)).toHaveText('Without a mouse');
  await expect(line(1)).toBeFocused();

  await page.keyboard.press('Control+f');
  await expect(page.getByRole('searchbox', { name: 'Find' })).toBeFocused();
  await page.keyboard.type('mouse');
  await tabTo(page, page.getByRole('textbox', { name: 'Replace by' }));
  await page.keyboard.type('pointer');
  await tabTo(page, page.getByRole('button', { name: 'Replace all' }));
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  await expect(line(1)).toHaveText('Without a pointer');
  await expect(page.locator('.saving')).toHaveText('Saved');

  const link = page.getByRole('link', { name: /^SRT/ });
  await tabTo(page, link, (await isBehind(page, link)) ? 'Tab' : 'Shift+Tab');
  const download = page.waitForEvent('download');
  await page.keyboard.press('Enter');
  const read = cuesOf(readFileSync((await (await download).path())!, 'utf8'));
  expect(read[1].text).toBe('Without a pointer');

  await tabTo(page, page.locator('summary').filter({ hasText: 'Delete …' }));
  await page.keyboard.press('Enter');
  await tabTo(page, page.getByRole('button', { name: 'Delete for good' }));
  await page.waitForLoadState('networkidle');
  await page.keyboard.press('Enter');
  await page.waitForURL('/');
  site.close();
});

const isBehind = (page: Page, there: Locator) =>
  there.evaluate((there) => (document.activeElement!.compareDocumentPosition(there) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0);
