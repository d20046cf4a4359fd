import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import type { APIRequestContext } from '@playwright/test';
import { accessible, ended, expect, speechAudio, test, upload } from './support';

/** A site that nobody answers for until it is opened. */
class Site {
  private server?: Server;
  private constructor(private readonly port: number) {}

  static async closed(): Promise<Site> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    return new Site(port);
  }

  async open() {
    this.server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'audio/wav' }).end(readFileSync(speechAudio()));
    });
    await new Promise<void>((resolve) => this.server!.listen(this.port, '127.0.0.1', resolve));
  }

  close() {
    this.server?.closeAllConnections();
    this.server?.close();
  }

  /** The id of a job for its media. */
  async submit(request: APIRequestContext, title: string): Promise<string> {
    const url = `http://127.0.0.1:${this.port}/speech.wav`;
    const answer = await request.post('/api/v1/jobs', { data: { url, title, model: 'tiny.en' } });
    expect(answer.status()).toBe(201);
    return (await answer.json()).id;
  }
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(`with JavaScript ${javaScriptEnabled ? 'on' : 'off'}`, () => {
    test.use({ javaScriptEnabled });

    test('operators see a dead letter, why it is one, and send it again', async ({ page, request }) => {
      test.setTimeout(240_000);
      const site = await Site.closed();
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
