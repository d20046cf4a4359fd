import { readFileSync } from 'node:fs';
import { accessible, ended, expect, forgive, openEditor, speechAudio, speechVideo, test, toFirstCue, upload } from './support';
import type { APIRequestContext, Page } from '@playwright/test';

const lines = (page: Page) => page.locator('.line');
const words = (page: Page, at: number) => lines(page).nth(at).locator('.words');
const area = (page: Page) => page.getByLabel('Text of this cue');
const saved = (page: Page) => expect(page.locator('.saving')).toHaveText('Saved');

/** The page of a completed job of eleven seconds. */
async function opened(page: Page, request: APIRequestContext): Promise<string> {
  const id = await upload(request, speechAudio(), 'ask not.wav');
  await ended(request, id);
  await openEditor(page, id);
  return id;
}

async function texts(request: APIRequestContext, id: string): Promise<string[]> {
  const track = await (await request.get(`/api/v1/jobs/${id}/track.json`)).json();
  return track.cues.map(({ text }: { text: string }) => text);
}

/** What somebody else types into the cue at this place. */
async function theirs(request: APIRequestContext, id: string, at: number, text: string) {
  const address = `/api/v1/jobs/${id}/corrections`;
  const { revision } = await (await request.get(address)).json();
  const { cues } = await (await request.get(`/api/v1/jobs/${id}/track.json`)).json();
  const { start, end } = cues[at];
  const answer = await request.post(address, {
    headers: { 'if-match': `"${revision}"` },
    data: [{ op: 'replace', from: start, to: end, cues: [{ start, end, text }] }],
  });
  expect(answer.status()).toBe(200);
}

test('a word is corrected while the rest is still heard, and it is in the player and in the download', async ({ page, request }) => {
  const id = await upload(request, speechVideo(900), 'speech.mp4');
  await openEditor(page, id);
  await toFirstCue(page);
  await words(page, 0).click();
  await area(page).fill('What a person typed.');
  await saved(page);
  expect((await (await request.get(`/api/v1/jobs/${id}`)).json()).status).toBe('running');
  // Typing goes on while cues arrive.
  const before = await lines(page).count();
  await area(page).pressSequentially(' And more', { delay: 20 });
  await expect.poll(() => lines(page).count()).toBeGreaterThan(before);
  await expect(area(page)).toBeFocused();
  await area(page).pressSequentially(' of it.');
  await expect(area(page)).toHaveValue('What a person typed. And more of it.');
  await page.keyboard.press('Escape');
  await expect(words(page, 0)).toHaveText('What a person typed. And more of it.');
  await saved(page);

  await ended(request, id);
  await expect(page.getByRole('status').filter({ hasText: 'Completed' })).toBeVisible();
  await expect(words(page, 0)).toHaveText('What a person typed. And more of it.');
  const inPlayer = () => page.evaluate(() => (document.querySelector('video')!.textTracks[0].cues![0] as VTTCue).text);
  expect(await inPlayer()).toBe('What a person typed. And more of it.');
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: /^SRT/ }).click();
  expect(readFileSync((await (await download).path())!, 'utf8')).toContain('What a person typed. And more of it.');
});

test('by keyboard alone a cue is found, split, joined, timed, deleted, and all is taken back', async ({ page, request }) => {
  const id = await opened(page, request);
  const heard = await texts(request, id);
  const { cues } = await (await request.get(`/api/v1/jobs/${id}/track.json`)).json();
  expect(cues.length).toBeGreaterThan(2);
  await page.locator('.frame').focus();
  await page.keyboard.press('ArrowDown');
  await expect(words(page, 0)).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await expect(words(page, 1)).toBeFocused();

  // The time of the first letter of the text: split behind its first word.
  await page.keyboard.press('Enter');
  await expect(area(page)).toBeFocused();
  await area(page).evaluate((area: HTMLTextAreaElement) => {
    const place = area.value.search(/\s/);
    area.setSelectionRange(place, place);
  });
  await page.keyboard.press('Control+Enter');
  await expect(lines(page)).toHaveCount(heard.length + 1);
  await expect(area(page)).toBeFocused();
  await expect(words(page, 1)).toHaveText(heard[1].split(/\s/)[0]);
  await page.keyboard.press('Alt+ArrowUp');
  await expect(area(page)).toHaveValue(heard[1].split(/\s/)[0]);
  await page.keyboard.press('Control+m');
  await expect(lines(page)).toHaveCount(heard.length);

  const end = page.getByRole('textbox', { name: 'End' });
  const before = await end.inputValue();
  await end.focus();
  await page.keyboard.press('ArrowDown');
  await expect(end).not.toHaveValue(before);
  await end.fill('nonsense');
  await page.keyboard.press('Tab');
  await expect(end).toHaveAttribute('aria-invalid', 'true');
  await page.keyboard.press('Escape');
  await expect(words(page, 1)).toBeFocused();
  await page.keyboard.press('Control+Delete');
  await expect(lines(page)).toHaveCount(heard.length - 1);
  await saved(page);
  expect((await texts(request, id)).length).toBe(heard.length - 1);

  const undo = page.getByRole('button', { name: 'Undo' });
  for (let step = 0; step < 4; step++) await page.keyboard.press('Control+z');
  await expect(undo).toBeDisabled();
  await expect(lines(page)).toHaveCount(heard.length);
  await saved(page);
  await expect.poll(async () => (await (await request.get(`/api/v1/jobs/${id}/track.json`)).json()).cues).toEqual(cues);
  await page.keyboard.press('Control+Shift+z');
  await expect(lines(page)).toHaveCount(heard.length + 1);
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keys' })).toBeVisible();
  await accessible(page);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
  await saved(page);
});

test('find and replace is one step, and a wrong expression is told', async ({ page, request }) => {
  const id = await opened(page, request);
  await page.locator('.frame').focus();
  await page.keyboard.press('Control+f');
  const field = page.getByRole('searchbox', { name: 'Find' });
  await field.fill('COUNTRY');
  await expect(page.locator('.find [role=status]')).toHaveText(/^1 of \d/);
  await page.getByRole('button', { name: 'Tell capital letters' }).click();
  await expect(page.locator('.find [role=status]')).toHaveText('Not found');
  await page.getByRole('button', { name: 'Regular expression' }).click();
  await field.fill('count(');
  await expect(page.locator('.find [role=status]')).toHaveText('This is no regular expression.');
  await field.fill('c(ount)ry');
  await page.getByRole('textbox', { name: 'Replace by' }).fill('$1ess');
  await page.getByRole('button', { name: 'Replace', exact: true }).click();
  await page.getByRole('button', { name: 'Replace all' }).click();
  await saved(page);
  const replaced = (await texts(request, id)).join(' ');
  expect(replaced).toContain('ountess');
  expect(replaced).not.toContain('country');
  await accessible(page);
  await page.getByRole('button', { name: 'Undo' }).click();
  await saved(page);
  await expect.poll(async () => (await texts(request, id)).join(' ').match(/ountess/g)?.length).toBe(1);
});

test('two people correct one transcript, and where they disagree the page asks', async ({ page, request, context, said }) => {
  const id = await opened(page, request);
  const other = await context.newPage();
  await openEditor(other, id);
  await words(other, 0).click();
  await area(other).fill('From the other tab.');
  await saved(other);
  await expect(words(page, 0)).toHaveText('From the other tab.');

  // While this one cannot reach the server, somebody changes the same cue, and another one.
  await page.route('**/corrections', (route) => route.abort());
  await words(page, 1).click();
  await area(page).fill('What I say.');
  await expect(page.locator('.saving')).toHaveText('Not saved: retrying');
  await theirs(request, id, 1, 'What they say.');
  await theirs(request, id, 0, 'Elsewhere.');
  await page.unroute('**/corrections');
  const question = page.getByRole('group', { name: 'Somebody else changed' });
  await expect(question).toBeVisible();
  await expect(question).toContainText('What I say.');
  await page.keyboard.press('Escape');
  await expect(words(page, 1)).toHaveText('What they say.');
  await expect(words(page, 0)).toHaveText('Elsewhere.');
  await accessible(page);
  await page.getByRole('button', { name: 'Keep mine' }).click();
  await expect(question).toBeHidden();
  await saved(page);
  await expect(words(page, 1)).toHaveText('What I say.');
  await expect.poll(() => texts(request, id)).toContain('What I say.');
  // Chromium itself logs the requests that were cut off and the one that was refused.
  forgive(said, 'Failed to load resource');
});

test('a tab that closes before it could save loses nothing', async ({ page, request, context, said }) => {
  const id = await opened(page, request);
  await context.setOffline(true);
  await words(page, 0).click();
  await area(page).fill('Kept here.');
  await expect(page.locator('.saving')).toHaveText('Not saved: retrying');
  await page.close({ runBeforeUnload: false });
  await context.setOffline(false);
  expect((await texts(request, id))[0]).not.toBe('Kept here.');
  const again = await context.newPage();
  await openEditor(again, id);
  await expect(words(again, 0)).toHaveText('Kept here.');
  await expect.poll(async () => (await texts(request, id))[0]).toBe('Kept here.');
  await expect.poll(() => again.evaluate(() => localStorage.length)).toBe(0);
  forgive(said, 'Failed to load resource');
});

test('a long transcript is there in parts, is checked, fixed and reported', async ({ page, request }) => {
  const id = await upload(request, speechAudio(), 'ask not.wav');
  await ended(request, id);
  const stamp = (ms: number) => new Date(ms).toISOString().slice(11, 23);
  const cue = (at: number) =>
    `${stamp(at * 2_880)} --> ${stamp(at * 2_880 + 2_500)}\nCue ${at} says what is said, in some words that are many for one line`;
  const vtt = `WEBVTT\n\n${Array.from({ length: 5_000 }, (_, at) => cue(at)).join('\n\n')}\n`;
  const { version } = await (await request.get(`/api/v1/jobs/${id}`)).json();
  const put = await request.put(`/api/v1/jobs/${id}/track`, {
    headers: { 'if-match': `"${version}"`, 'content-type': 'text/vtt' }, data: vtt,
  });
  expect(put.status()).toBe(200);
  await openEditor(page, id);
  await expect.poll(() => lines(page).count()).toBeLessThan(200);
  await page.locator('.frame').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('End');
  await expect(page.getByText('Cue 4999 says')).toBeFocused();
  await expect(page.getByText('Cue 4999 says')).toBeInViewport();
  await expect.poll(() => lines(page).count()).toBeLessThan(200);

  await page.getByLabel('Check by the rules of').selectOption('netflix');
  const summary = page.locator('.summary [role=status]');
  await expect(summary).toHaveText(/^\d+ problems in 5000 cues$/);
  await page.getByRole('button', { name: 'Next problem' }).click();
  await expect(page.getByText('Cue 0 says')).toBeFocused();
  await expect(lines(page).first()).toContainText('characters; at most 42');
  const report = await (await request.get(`/api/v1/jobs/${id}/conformity?profile=netflix&format=csv`)).text();
  expect(report.split('\r\n').length).toBeGreaterThan(5_000);
  await page.getByRole('button', { name: 'Fix all' }).click();
  await expect(lines(page).first()).not.toContainText('characters; at most 42');
  await saved(page);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(lines(page).first()).toContainText('characters; at most 42');
  await saved(page);
});
