import { defineConfig } from '@playwright/test';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

process.env.CUELIGHT_TEST_PORT ??= '8093';
const port = Number(process.env.CUELIGHT_TEST_PORT);
// `embedded`: everything. `aws`, on an emulator: what a backend can break.
const backend = process.env.CUELIGHT_TEST_BACKEND ?? 'embedded';
const onAws = ['main-job', 'journey', 'keyboard', 'offline', 'servers', 'outage'];
const pictures = ['screenshots.spec.ts', 'film.spec.ts'];
// One folder for the whole run: workers of the test runner read this file again and must not make another.
process.env.CUELIGHT_TEST_DATA ??= mkdtempSync(join(tmpdir(), 'cuelight-e2e-'));
const parts = backend === 'aws' ? '--backend aws --emulator --servers 2 --workers 2' : '--servers 2';

export default defineConfig({
  testDir: '.',
  // The machine transcribes while the browser looks on: tests side by side would only wait for each other.
  workers: 1,
  retries: 0,
  forbidOnly: true,
  timeout: 120_000,
  expect: { timeout: 30_000 },
  reporter: [['list']],
  projects: [
    backend === 'aws'
      ? { name: backend, testMatch: onAws.map((name) => `${name}.spec.ts`) }
      : { name: backend, testIgnore: ['outage.spec.ts', ...(process.env.SCREENSHOTS ? [] : pictures)] },
  ],
  use: {
    baseURL: `http://127.0.0.1:${port}`,
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
        '--disable-background-networking', '--disable-component-update', '--disable-sync',
      ],
    },
  },
  webServer: {
    // The very command a person types.
    command: `../dev up --port ${port} --data ${process.env.CUELIGHT_TEST_DATA} --model tiny.en ${parts}`,
    url: `http://127.0.0.1:${port}/readyz`,
    timeout: 1_200_000,
    stdout: 'ignore',
    stderr: 'ignore',
    reuseExistingServer: false,
    gracefulShutdown: { signal: 'SIGTERM', timeout: 30_000 },
  },
});
