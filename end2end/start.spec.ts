import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { APIRequestContext, Page } from '@playwright/test';
import { accessible, ended, expect, forgive, speechAudio, speechVideo, test, upload } from './support';

const sound = (name: string) => ({ name, mimeType: 'audio/wav', buffer: readFileSync(speechAudio()) });
const row = (page: Page, title: string) => page.locator('li.row').filter({ hasText: title });

/** A job that fails at once. */
async function link(request: APIRequestContext, title: string): Promise<string> {
  const answer = await request.post('/api/v1/jobs', { data: { url: 'http://127.0.0.1:9/a.mp4', title } });
  expect(answer.status()).toBe(201);
  return (await answer.json()).id;
}

test('several files are a job each, with progress, cancel and error of their own', async ({ page, request, said }) => {
  let refusals = 0;
  await page.route(/filename=two\.wav/, async (route) => {
    if (refusals++ > 0) return route.continue();
    const error = { code: 'disk_full', message: 'There is no room left.', hint: 'Delete jobs.' };
    await route.fulfill({ status: 507, json: { error } });
  });
  // Never answered: there is time to cancel it.
  await page.route(/filename=three\.wav/, () => {});
  await page.goto('/');
  await page.getByText('Options', { exact: true }).click();
  await page.getByLabel('Model').selectOption('tiny.en');
  await page.getByLabel('Or a file').setInputFiles(['one.wav', 'two.wav', 'three.wav', 'four.wav'].map(sound));
  await page.getByRole('button', { name: 'Make subtitles' }).click();

  const sendings = page.getByRole('list', { name: 'What is being submitted' });
  await expect(sendings.getByRole('alert')).toContainText('There is no room left. Delete jobs.');
  await expect(sendings.getByRole('link', { name: 'Open: four.wav' })).toBeVisible();
  await expect(row(page, 'one.wav')).toBeVisible();
  await accessible(page);
  await page.getByRole('button', { name: 'Cancel the upload: three.wav' }).click();
  // What was refused stays, and is sent again from there; the form is free again.
  await expect(page.getByText('2 jobs were accepted; they stand first among your jobs.')).toBeVisible();
  await expect(sendings.getByRole('listitem')).toHaveCount(1);
  await expect(page.getByRole('button', { name: 'Make subtitles' })).toBeEnabled();
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.waitForURL(/\/jobs\/[0-9a-f]{32}$/);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('two.wav');

  await page.goto('/');
  for (const title of ['one.wav', 'two.wav', 'four.wav']) {
    await expect(row(page, title)).toContainText('Completed', { timeout: 60_000 });
  }
  await expect(row(page, 'three.wav')).toHaveCount(0);
  // Chromium itself logs the answer that the test made up.
  forgive(said, '507');
});

test('links pasted together are a job each, and Enter submits', async ({ page, request }) => {
  await page.goto('/');
  const field = page.getByLabel('Link to a video or sound file');
  await field.fill('http://127.0.0.1:9/first-of-two.mp4\nnothing at all');
  await field.press('Enter');
  await expect(page.locator('#url-problem')).toContainText('One of the links cannot be taken: nothing.');
  await expect(field).toBeFocused();
  await field.fill('http://127.0.0.1:9/first-of-two.mp4\n\n http://127.0.0.1:9/second-of-two.mp4');
  await field.press('Enter');
  await expect(page.getByText('2 jobs were accepted; they stand first among your jobs.')).toBeVisible();
  await expect(field).toHaveValue('');
  for (const title of ['first-of-two.mp4', 'second-of-two.mp4']) {
    await expect(row(page, title)).toBeVisible();
  }
  // Nobody answers there; they would stand in line again and again.
  const { jobs } = await (await request.get('/api/v1/jobs?q=of-two.mp4')).json();
  for (const { id } of jobs) await request.delete(`/api/v1/jobs/${id}`);
});

test('files and links dropped anywhere on the page are in their fields', async ({ page }) => {
  await page.goto('/');
  await expect(page.getByLabel('Select all shown')).toBeVisible();
  const drop = async (fill: string) => {
    const data = await page.evaluateHandle((fill) => {
      const data = new DataTransfer();
      if (fill) data.setData('text/uri-list', fill);
      else for (const name of ['a.wav', 'b.wav']) data.items.add(new File(['sound'], name));
      return data;
    }, fill);
    await page.locator('h1').dispatchEvent('drop', { dataTransfer: data });
  };
  await drop('');
  const file = page.getByLabel('Or a file');
  expect(await file.evaluate((input: HTMLInputElement) => [...input.files!].map(({ name }) => name))).toEqual(['a.wav', 'b.wav']);
  await drop('# a remark\r\nhttps://media.test/1.mp4\r\nhttps://media.test/2.mp4\r\n');
  await drop('https://media.test/3.mp4');
  const links = [1, 2, 3].map((number) => `https://media.test/${number}.mp4`).join('\n');
  await expect(page.getByLabel('Link to a video or sound file')).toHaveValue(links);
});

test('a job that waits says its place in words, and moves on', async ({ page, request }) => {
  const running = await upload(request, speechVideo(150), 'keeps a worker busy.mp4');
  await expect.poll(async () => (await (await request.get(`/api/v1/jobs/${running}`)).json()).status).toBe('running');
  const [next, second] = [await upload(request, speechAudio(), 'is next.wav'), await upload(request, speechAudio(), 'is second.wav')];
  await page.goto('/');
  await expect(row(page, 'is next.wav')).toContainText('Next in line');
  await expect(row(page, 'is second.wav')).toContainText('2nd in line');
  await request.post(`/api/v1/jobs/${next}/cancel`);
  await expect(row(page, 'is second.wav')).toContainText(/Next in line|Preparing|Transcribing|Completed/);
  await request.post(`/api/v1/jobs/${running}/cancel`);
  await expect(row(page, 'is second.wav')).toContainText('Completed', { timeout: 60_000 });
  expect((await ended(request, second)).status).toBe('completed');
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(`with JavaScript ${javaScriptEnabled ? 'on' : 'off'}`, () => {
    test.use({ javaScriptEnabled });
    const mode = javaScriptEnabled ? 'scripted' : 'plain';

    test('words of a transcript lead to their moment in the player', async ({ page, request }) => {
      const id = await upload(request, speechAudio(), `address ${mode}.wav`);
      await ended(request, id);
      await page.goto('/');
      const field = page.getByRole('searchbox', { name: 'Search titles and transcripts' });
      await field.fill('YOUR country can do');
      await field.press('Enter');
      await expect(page).toHaveURL('/?q=' + (javaScriptEnabled ? 'YOUR%20country%20can%20do' : 'YOUR+country+can+do&status='));
      await expect(page.locator('.found')).toContainText(/^\d+ jobs? (was|were) found in /);
      await expect(field).toHaveValue('YOUR country can do');
      if (javaScriptEnabled) await accessible(page);
      const hit = row(page, `address ${mode}.wav`).locator('.hits a').first();
      await expect(hit.locator('mark')).toHaveText(/^your country can do$/i);
      await hit.click();
      await page.waitForURL(new RegExp(`/jobs/${id}\\?t=\\d+$`));
      const start = Number(page.url().split('=').pop());
      expect(await page.locator('video').getAttribute('src')).toContain(`#t=${Math.floor(start / 1000)}.`);
      if (!javaScriptEnabled) return;
      await expect.poll(() => page.evaluate(() => document.querySelector('video')!.currentTime)).toBeCloseTo(start / 1000, 1);
      const line = page.locator('.line').filter({ has: page.locator(`a.cue[data-start="${start}"]`) });
      await expect(line).toHaveAttribute('aria-current', 'true');

      // Back where the search was.
      await page.goBack();
      await expect(page.locator('.found')).toContainText(/^\d+ jobs? (was|were) found in /);
      await expect(field).toHaveValue('YOUR country can do');

      await page.goto('/?q=no+such+words+anywhere');
      await expect(page.locator('.found')).toContainText('Nothing was found in all');
      await page.getByRole('link', { name: 'Show all jobs' }).click();
      await expect(row(page, `address ${mode}.wav`).first()).toBeVisible();
      await expect(field).toHaveValue('');
      await expect(page).toHaveURL('/');
    });

    test('several jobs are downloaded at once and deleted after a second question', async ({ page, request }) => {
      const titles = [`bulk ${mode} a.wav`, `bulk ${mode} b.wav`];
      for (const title of titles) await ended(request, await upload(request, speechAudio(), title));
      await page.goto(`/?q=bulk+${mode}`);
      await expect(page.locator('li.row')).toHaveCount(2);
      if (javaScriptEnabled) {
        await expect(page.getByRole('button', { name: 'Download ZIP' })).toBeDisabled();
        await page.getByLabel('Select all shown').check();
        await expect(page.getByText('2 selected')).toBeVisible();
        await expect(page.getByLabel(`Select ${titles[0]}`)).toBeChecked();
      } else {
        for (const title of titles) await page.getByLabel(`Select ${title}`).check();
      }
      const download = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Download ZIP' }).click();
      const file = await download;
      expect(file.suggestedFilename()).toBe('subtitles.zip');
      const listed = 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print("\\n".join(z.namelist()))';
      const names = execFileSync('python3', ['-c', listed, (await file.path())!]).toString().trim().split('\n');
      expect(names.sort()).toEqual([`bulk ${mode} a.srt`, `bulk ${mode} b.srt`]);

      if (javaScriptEnabled) await page.getByLabel('Select all shown').check();
      else for (const title of titles) await page.getByLabel(`Select ${title}`).check();
      await page.getByText('Delete …').click();
      if (javaScriptEnabled) await accessible(page);
      await page.getByRole('button', { name: 'Delete for good' }).click();
      await expect(page.locator('li.row')).toHaveCount(0);
      const left = await (await request.get(`/api/v1/jobs?q=bulk+${mode}`)).json();
      expect(left.jobs).toEqual([]);
    });

    test('older jobs follow page by page, and a status shows its own only', async ({ page, request }) => {
      for (let number = 0; number < 22; number++) await link(request, `page ${mode} ${number}`);
      await page.goto('/');
      await expect(page.locator('li.row')).toHaveCount(20);
      await page.getByRole('link', { name: 'Show more' }).click();
      if (javaScriptEnabled) {
        await expect.poll(() => page.locator('li.row').count()).toBeGreaterThan(21);
        await expect(row(page, `page ${mode} 21`)).toBeVisible();
      } else {
        await page.waitForURL(/\?cursor=/);
        await expect(page.getByRole('link', { name: 'Back to the newest' })).toBeVisible();
      }
      await expect(page.getByRole('link', { name: `page ${mode} 0`, exact: true })).toBeVisible();
      await page.goto('/');
      await page.getByLabel('Status').selectOption('completed');
      if (!javaScriptEnabled) await page.getByRole('button', { name: 'Search' }).click();
      await expect(page).toHaveURL(/status=completed/);
      await expect(page.locator('li.row[data-status="failed"]')).toHaveCount(0);
    });

    test('what the address asks for in vain is said', async ({ page }) => {
      await page.goto('/?status=nonsense');
      await expect(page.locator('.empty')).toContainText('This cannot be looked for');
      await page.getByRole('link', { name: 'Show all jobs' }).click();
      await expect(page).toHaveURL('/');
      await expect(page.locator('.empty')).toHaveCount(0);
    });
  });
}

test('several files of one plain form are a job each', async ({ browser, baseURL }) => {
  const context = await browser.newContext({ javaScriptEnabled: false, baseURL });
  const page = await context.newPage();
  await page.goto('/');
  await page.getByLabel('Or a file').setInputFiles(['plain one.wav', 'plain two.wav'].map(sound));
  await page.getByLabel('Link to a video or sound file').fill('http://127.0.0.1:9/plain-three.mp4');
  await page.getByRole('button', { name: 'Make subtitles' }).click();
  await page.waitForURL('/?accepted=3');
  await expect(page.getByText('3 jobs were accepted; they stand first among your jobs.')).toBeVisible();
  for (const title of ['plain one.wav', 'plain two.wav', 'plain-three.mp4']) {
    await expect(row(page, title)).toBeVisible();
  }
  await context.close();
});

test('nothing runs out of a narrow page with a list and its results', async ({ page, request }) => {
  await ended(request, await upload(request, speechAudio(), `${'long'.repeat(40)} narrow.wav`));
  await page.setViewportSize({ width: 360, height: 740 });
  for (const address of ['/', '/?q=country']) {
    await page.goto(address);
    await page.getByLabel('Select all shown').check();
    await page.getByText('Delete …').click();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await accessible(page);
    }
  }
});
