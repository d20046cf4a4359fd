import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, type APIRequestContext } from '@playwright/test';

/** Somebody else's site with one file of media, which nobody answers for until it is opened. */
export class Site {
  private server?: Server;
  private constructor(private readonly port: number, private readonly path: string) {}

  static async closed(path: string): Promise<Site> {
    return new Site(await freePort(), path);
  }

  static async with(path: string): Promise<Site> {
    const site = await Site.closed(path);
    await site.open();
    return site;
  }

  /** A link to its media, under the name that the job will have. */
  link(name: string): string {
    return `http://127.0.0.1:${this.port}/${name}`;
  }

  async open() {
    const type = this.path.endsWith('.wav') ? 'audio/wav' : 'video/mp4';
    this.server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': type }).end(readFileSync(this.path));
    });
    await new Promise<void>((resolve) => this.server!.listen(this.port, '127.0.0.1', resolve));
  }

  close() {
    this.server?.closeAllConnections();
    this.server?.close();
  }

  /** The id of a job for its media. */
  async submit(request: APIRequestContext, title: string): Promise<string> {
    const answer = await request.post('/api/v1/jobs', { data: { url: this.link('speech.wav'), title, model: 'tiny.en' } });
    expect(answer.status()).toBe(201);
    return (await answer.json()).id;
  }
}

/** A port of this machine that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((go) => server.once('listening', go));
  const { port } = server.address() as AddressInfo;
  await new Promise((go) => server.close(go));
  return port;
}
