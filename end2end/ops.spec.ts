import { Site } from './site';
import { accessible, ended, expect, speechAudio, test, upload } from './support';

for (const javaScriptEnabled of [true, false]) {
  test.describe(`with JavaScript ${javaScriptEnabled ? 'on' : 'off'}`, () => {
    test.use({ javaScriptEnabled });

    test('operators see a dead letter, why it is one, and send it again', async ({ page, request }) => {
      test.setTimeout(240_000);
      const site = await Site.closed(speechAudio());
      await page.goto('/');
      await page.getByRole('link', { name: 'Operations' }).click();
      await expect(page.getByRole('heading', { level: 1 })).toHaveText('Operations');
      await expect(page.getByRole('region', { name: 'Workers' })).toContainText(/CTranslate2|whisper\.cpp/);

      const title = `Lost talk ${javaScriptEnabled ? 1 : 2}`;
      const id = await site.submit(request, title);
      // Given up after four attempts.
      expect((await ended(request, id)).failure.code).toBe('media_unreachable');
      const letters = page.getByRole('region', { name: 'Dead letters' });
      if (!javaScriptEnabled) {
        // By script it comes by itself.
        await expect(async () => {
          await page.goto('/ops');
          await expect(letters.getByRole('link', { name: title })).toBeVisible({ timeout: 1_000 });
        }).toPass();
      }
      await expect(letters.getByRole('link', { name: title })).toHaveAttribute('href', `/jobs/${id}`);
      await expect(letters.getByRole('listitem').filter({ hasText: title }).first()).toContainText('media_unreachable');
      await expect(letters).toContainText('4 attempts');
      if (javaScriptEnabled) await accessible(page);

      await letters.getByRole('button', { name: 'Redrive the chosen ones' }).click();
      await expect(page.getByRole('alert')).toContainText('No letter was chosen.');

      await site.open();
      await letters.getByLabel(`Choose: ${title}`).check();
      await letters.getByLabel('Model').selectOption('tiny.en');
      await letters.getByLabel('Language').selectOption('English');
      await letters.getByRole('button', { name: 'Redrive the chosen ones' }).click();
      await expect(page.getByRole('status').filter({ hasText: '1 job starts again.' })).toBeVisible();
      await expect(letters.getByRole('link', { name: title })).toHaveCount(0);
      const job = await ended(request, id);
      expect([job.status, job.language]).toEqual(['completed', 'en']);
      site.close();
    });
  });
}

test('what ended is counted and plotted without anybody reading the page again', async ({ page, request }) => {
  await page.goto('/ops');
  await ended(request, await upload(request, speechAudio(), 'ask not.wav'));
  const day = page.getByRole('region', { name: 'The last 24 hours' });
  await expect(day.getByRole('img', { name: /Jobs ended, by hour\. Most: \d+ completed/ })).toBeVisible({ timeout: 60_000 });
  await day.getByText('The numbers').click();
  // What is open stays open, however often the page is read again.
  await page.waitForResponse((response) => response.url().endsWith('/ops'));
  await expect(day.getByRole('columnheader', { name: 'Minutes of media' })).toBeVisible();
  await accessible(page);
});

for (const scheme of ['light', 'dark'] as const) {
  test(`nothing runs out of the narrow ${scheme} page of operators`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width: 360, height: 740 });
    await page.goto('/ops');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await accessible(page);
  });
}
