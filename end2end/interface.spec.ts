// The interface in the language of the browser, and from right to left.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { accessible, ended, expect, speechAudio, test, upload } from './support';
import type { Page } from '@playwright/test';

const texts = (tag: string): Record<string, string> =>
  JSON.parse(readFileSync(resolve(`../app/locales/${tag}.json`), 'utf8'));

/** What a person reads or hears of the page, without what came from the media or is named by whoever made it. */
function read(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const foreign = '[lang]:not(html), .words, .spoken, .line, h1, .title, code, kbd, script, style, noscript, template, option[value="netflix"], .hits';
    const said: string[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      if (!node.parentElement!.closest(foreign) && node.textContent!.trim()) said.push(node.textContent!.trim());
    }
    for (const element of document.querySelectorAll('[aria-label], [title], [placeholder]')) {
      if (element.closest('.line, .title, .hits, [type=checkbox], progress, video')) continue;
      for (const name of ['aria-label', 'title', 'placeholder']) {
        const text = element.getAttribute(name);
        if (text) said.push(text);
      }
    }
    return said;
  });
}

/** Fails on what is said in English though there are other words for it, or though nobody thought of any. */
async function speaks(page: Page, tag: string) {
  await expect(page.locator('html')).toHaveAttribute('lang', tag);
  const known = texts(tag);
  const said = await read(page);
  expect(said.length).toBeGreaterThan(5);
  const english = said.filter((text) => (known[text] ?? text) !== text || /\b(the|and|of|is|with|your|are|from|when|what)\b/i.test(text));
  expect(english, `${page.url()} in ${tag}`).toEqual([]);
}

for (const tag of ['de', 'es', 'fr']) {
  test.describe(`in ${tag}`, () => {
    test.use({ locale: `${tag}-${tag.toUpperCase()}` });

    test(`everything is said in ${tag}, and stays so while it lives`, async ({ page, request }) => {
      const say = (english: string) => {
        const said = texts(tag)[english];
        if (!said) throw new Error(`no such text: ${english}`);
        return said;
      };
      await page.goto('/');
      await speaks(page, tag);
      // A problem that the browser itself finds.
      await page.getByLabel(say('Link to a video or sound file')).fill('ftp://example.org/a.mp4');
      await page.getByRole('button', { name: say('Make subtitles') }).click();
      await expect(page.getByText(say('Links of this kind cannot be fetched.'))).toBeVisible();
      await speaks(page, tag);

      const id = await upload(request, speechAudio(), 'ask not.wav');
      await page.goto(`/jobs/${id}`);
      // It was rendered before its end, which the browser is told.
      await expect(page.getByRole('status').filter({ hasText: say('Completed') })).toBeVisible();
      await speaks(page, tag);
      await accessible(page);
      await page.goto(`/jobs/${id}?edit`);
      await expect(page.getByRole('button', { name: say('Undo') })).toBeVisible();
      await page.locator('.line .words').first().click();
      await expect(page.getByLabel(say('Text of this cue'))).toBeVisible();
      await speaks(page, tag);
      await page.keyboard.press('Escape');
      await page.keyboard.press('Control+f');
      await expect(page.getByRole('searchbox', { name: say('Find') })).toBeFocused();
      await speaks(page, tag);

      const failed = await upload(request, __filename, 'text.mp4');
      await ended(request, failed);
      await page.goto(`/jobs/${failed}`);
      await expect(page.locator('.failure')).toBeVisible();
      await speaks(page, tag);
      await page.goto('/');
      await expect(page.locator(`a[href="/jobs/${failed}"]`)).toBeVisible();
      await speaks(page, tag);

      const share = await (await request.post(`/api/v1/jobs/${id}/shares`, { data: {} })).json();
      await page.goto(share.url);
      await speaks(page, tag);
      await page.goto(`/jobs/${id}/shares`);
      await speaks(page, tag);
      await page.goto('/ops');
      await speaks(page, tag);
    });
  });
}

test('pages can run from right to left', async ({ page, request }) => {
  const id = await upload(request, speechAudio(), 'ask not.wav');
  await ended(request, id);
  for (const path of ['/', `/jobs/${id}`, `/jobs/${id}?edit`, '/ops']) {
    await page.goto(path);
    await page.evaluate(() => (document.documentElement.dir = 'rtl'));
    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      const beyond = await page.evaluate(() => {
        const root = document.documentElement;
        return root.scrollWidth - root.clientWidth;
      });
      expect(beyond, `${path} at ${width} px`).toBe(0);
      if (process.env.SHOTS) await page.screenshot({ path: `shots/rtl-${path.replace(/\W+/g, '-').slice(0, 6)}-${width}.png`, fullPage: true });
    }
    await accessible(page);
  }
});
