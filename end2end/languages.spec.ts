import { readFileSync } from 'node:fs';
import type { APIRequestContext } from '@playwright/test';
import { accessible, ended, expect, reversedSpeech, speechAudio, speechVideo, test } from './support';

/** A job by a model that knows more than English. */
async function submit(request: APIRequestContext, path: string, options: Record<string, string>): Promise<string> {
  const answer = await request.post('/api/v1/uploads', {
    params: { filename: 'speech.mp4', model: 'base', ...options },
    data: readFileSync(path),
    headers: { 'content-type': 'application/octet-stream' },
  });
  expect(answer.status()).toBe(201);
  return (await answer.json()).id;
}

test('the detected language is shown with its confidence and corrected while the job runs, by keyboard', async ({ page, request }) => {
  const id = await submit(request, speechVideo(400), {});
  await page.goto(`/jobs/${id}`);
  await expect(page.getByText(/^English, \d\d % sure$/)).toBeVisible();
  expect((await (await request.get(`/api/v1/jobs/${id}`)).json()).status).toBe('running');
  await accessible(page);

  await page.getByText('Wrong language?').focus();
  await page.keyboard.press('Enter');
  const spoken = page.getByLabel('What is spoken');
  await spoken.focus();
  await page.keyboard.type('German');
  await expect(spoken).toHaveValue('de');
  await accessible(page);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForURL(`/jobs/${id}`);
  await expect(page.locator('.facts').getByText('German', { exact: true })).toBeVisible();
  const job = await (await request.get(`/api/v1/jobs/${id}`)).json();
  expect([job.language, job.language_confidence, job.has_media]).toEqual(['de', null, true]);
  // The player has what it loads ahead: a file that goes from under it would be an error of its own.
  await page.waitForLoadState('networkidle');
  await request.delete(`/api/v1/jobs/${id}`);
  await expect(page.getByText('This job was deleted')).toBeVisible();
});

test('a language that was hardly heard stands out, in the light and in the dark', async ({ page, request }) => {
  const id = await submit(request, reversedSpeech(), {});
  expect((await ended(request, id)).language_confidence).toBeLessThan(0.9);
  await page.goto(`/jobs/${id}`);
  await expect(page.getByText(/^Perhaps it is .+: the model is only \d+ % sure\.$/)).toBeVisible();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await accessible(page);
  }
});

test('a translation has its own page and track, and each page leads to the other', async ({ page, request }) => {
  // English taken for German is a foreign language too.
  const id = await submit(request, speechAudio(), { language: 'de' });
  await ended(request, id);
  await page.goto(`/jobs/${id}`);
  await page.getByRole('button', { name: 'Translate into English' }).click();
  await page.waitForURL((url) => !url.pathname.endsWith(id));
  const translation = page.url().split('/').pop()!;
  expect((await ended(request, translation)).status).toBe('completed');

  // The player offers both tracks, and shows its own.
  await page.reload();
  await page.waitForFunction(() => document.querySelector('video')?.textTracks.length === 2);
  const tracks = await page.evaluate(() =>
    [...document.querySelector('video')!.textTracks].map(({ label, language, mode }) => [label, language, mode]),
  );
  expect(tracks).toContainEqual(['Subtitles', 'en', 'showing']);
  expect(tracks).toContainEqual(['As spoken', 'de', 'disabled']);
  await accessible(page);
  await page.getByRole('link', { name: 'As spoken: German' }).click();
  await page.waitForURL(`/jobs/${id}`);
  await expect(page.getByRole('link', { name: 'In English: Completed' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Translate into English' })).toHaveCount(0);
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('a page that is held still lets the language be corrected', async ({ page, request }) => {
    const id = await submit(request, speechVideo(150), {});
    await page.goto(`/jobs/${id}`);
    await page.getByRole('link', { name: 'Hold it still' }).click();
    await expect(page.locator('meta[http-equiv="refresh"]')).toHaveCount(0);
    await page.locator('details.correct summary').click();
    await page.getByLabel('What is spoken').selectOption('German');
    await page.getByRole('button', { name: 'Start over' }).click();
    await page.waitForURL(`/jobs/${id}`);
    await expect(page.locator('.facts').getByText('German', { exact: true })).toBeVisible();
    await request.delete(`/api/v1/jobs/${id}`);
  });
});
