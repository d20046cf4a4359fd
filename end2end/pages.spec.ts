import { accessible, ended, expect, forgive, speechAudio, test, upload } from './support';

for (const javaScriptEnabled of [true, false]) {
  test.describe(`with JavaScript ${javaScriptEnabled ? 'on' : 'off'}`, () => {
    test.use({ javaScriptEnabled });

    test('the start page can be read and used', async ({ page }) => {
      const answer = await page.goto('/');
      expect(answer!.status()).toBe(200);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      await expect(page.getByRole('button', { name: 'Make subtitles' })).toBeEnabled();
      if (javaScriptEnabled) await accessible(page);
    });

    test('the page of a completed job shows its transcript and its downloads', async ({ page, request }) => {
      const id = await upload(request, speechAudio(), 'ask not.wav');
      await ended(request, id);
      await page.goto(`/jobs/${id}`);
      await expect(page.getByRole('heading', { level: 1 })).toHaveText('ask not.wav');
      await expect(page.locator('a.cue').first()).toBeVisible();
      for (const format of ['VTT', 'SRT', 'TTML', 'ASS', 'TXT', 'JSON']) {
        await expect(page.getByRole('link', { name: new RegExp(`^${format}`) })).toBeVisible();
      }
      if (javaScriptEnabled) await accessible(page);
    });

    test('the page of a failed job says why, and retries with other settings', async ({ page, request }) => {
      const id = await upload(request, __filename, 'text.mp4');
      await ended(request, id);
      await page.goto(`/jobs/${id}`);
      await expect(page.locator('.failure')).toBeVisible();
      if (javaScriptEnabled) await accessible(page);
      await page.getByRole('button', { name: 'Retry' }).click();
      await page.waitForURL(`/jobs/${id}`);
      expect((await ended(request, id)).attempt).toBeGreaterThan(1);
    });

    test('a job is deleted after a second question and its address is a page that says so', async ({ page, request, said }) => {
      const id = await upload(request, speechAudio(), 'ask not.wav');
      await ended(request, id);
      await page.goto(`/jobs/${id}`);
      // By keyboard alone.
      await page.getByText('Delete …').focus();
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'Delete for good' }).focus();
      await page.keyboard.press('Enter');
      await page.waitForURL('/');
      const answer = await page.goto(`/jobs/${id}`);
      expect(answer!.status()).toBe(404);
      await expect(page.getByRole('heading', { level: 1 })).toHaveText('There is nothing here');
      if (javaScriptEnabled) await accessible(page);
      // Chromium itself logs the status of a page that is not there; the page does not.
      forgive(said, '404 (Not Found)');
    });

    for (const scheme of ['light', 'dark'] as const) {
      test(`nothing runs out of a narrow ${scheme} page`, async ({ page, request }) => {
        await page.emulateMedia({ colorScheme: scheme });
        await page.setViewportSize({ width: 360, height: 740 });
        const id = await upload(request, speechAudio(), `${'long'.repeat(40)}.wav`);
        await ended(request, id);
        for (const address of ['/', `/jobs/${id}`]) {
          await page.goto(address);
          await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
          const box = await page.locator('main').boundingBox();
          expect(box!.x + box!.width).toBeLessThanOrEqual(360);
          if (javaScriptEnabled) {
            expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
            await accessible(page);
          }
        }
      });
    }
  });
}
