import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A way to the server that can be cut: what was open breaks, and what is tried meanwhile is refused. */
export class Cable {
  private sockets = new Set<Socket>();
  private isCut = false;
  private constructor(private readonly server: Server) {}

  static async to(address: string): Promise<Cable> {
    const { hostname, port } = new URL(address);
    const server = createServer((near) => cable.join(near, connect(Number(port), hostname)));
    const cable = new Cable(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return cable;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  private join(near: Socket, far: Socket) {
    for (const [socket, other] of [[near, far], [far, near]]) {
      this.sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    if (this.isCut) return void near.destroy();
    near.pipe(far);
    far.pipe(near);
  }

  cut() {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  mend() {
    this.isCut = false;
  }

  close() {
    this.cut();
    this.server.close();
  }
}
