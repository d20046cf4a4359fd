import { defineConfig } from '@playwright/test';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const port = Number(process.env.CUELIGHT_TEST_PORT ?? 8093);
// One folder for the whole run: workers of the test runner read this file again and must not make another.
process.env.CUELIGHT_TEST_DATA ??= mkdtempSync(join(tmpdir(), 'cuelight-e2e-'));

export default defineConfig({
  testDir: '.',
  // The machine transcribes while the browser looks on: tests side by side would only wait for each other.
  workers: 1,
  retries: 0,
  forbidOnly: true,
  timeout: 120_000,
  expect: { timeout: 30_000 },
  reporter: [['list']],
  testIgnore: process.env.SHOTS ? [] : ['shots.spec.ts'],
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
    command: `../dev up --port ${port} --data ${process.env.CUELIGHT_TEST_DATA} --model tiny.en`,
    url: `http://127.0.0.1:${port}/readyz`,
    timeout: 1_200_000,
    stdout: 'ignore',
    stderr: 'ignore',
    reuseExistingServer: false,
    gracefulShutdown: { signal: 'SIGTERM', timeout: 30_000 },
  },
});
