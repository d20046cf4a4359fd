import { readFileSync } from 'node:fs';
import { accessible, ended, expect, speechAudio, test, upload } from './support';

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? 'with JavaScript' : 'without JavaScript', () => {
    test.use({ javaScriptEnabled });

    test('subtitles are downloaded in another layout, and later', async ({ page, request }) => {
      const id = await upload(request, speechAudio(), 'ask not.wav');
      await ended(request, id);
      const { cues } = await (await request.get(`/api/v1/jobs/${id}/track.json?profile=shorts`)).json();
      await page.goto(`/jobs/${id}`);
      await page.getByText('Other layout or times').click();
      await page.getByLabel('Layout of the subtitles').selectOption('shorts');
      await page.getByLabel(/^Later by milliseconds/).fill('1500');
      if (javaScriptEnabled) await accessible(page);
      const downloading = page.waitForEvent('download');
      await page.getByRole('button', { name: 'JSON', exact: true }).click();
      const download = await downloading;
      expect(download.suggestedFilename()).toBe('ask not.json');
      const moved = JSON.parse(readFileSync((await download.path())!, 'utf8')).cues;
      expect(moved.map(({ start, text }: { start: number; text: string }) => [start - 1500, text]))
        .toEqual(cues.map(({ start, text }: { start: number; text: string }) => [start, text]));
      await expect(page).toHaveURL(`/jobs/${id}`);
    });
  });
}

test('the text is copied to the clipboard', async ({ page, request, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const id = await upload(request, speechAudio(), 'ask not.wav');
  await ended(request, id);
  await page.goto(`/jobs/${id}`);
  await page.getByRole('button', { name: 'Copy the text' }).click();
  await expect(page.getByText('Copied.')).toBeVisible();
  const text = await (await request.get(`/api/v1/jobs/${id}/track.txt`)).text();
  expect(text).toContain('country');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(text);
});
