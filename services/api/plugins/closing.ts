// A server that is closing lets go of every connection that has no request on it.
//
// Node lets go of those that had one before, but not of those that browsers open in advance and never use: they would
// keep the server from closing for a minute.
import type { Socket } from "node:net";
import type { Api } from "../api.ts";

export function closePromptly(app: Api): void {
  /** Requests under way on each connection. */
  const connections = new Map<Socket, number>();
  let isClosing = false;

  function count(socket: Socket, change: 1 | -1): void {
    const requests = (connections.get(socket) ?? 0) + change;
    if (connections.has(socket)) connections.set(socket, requests);
    if (isClosing && requests === 0) socket.end();
  }

  app.server.on("connection", (socket) => {
    connections.set(socket, 0);
    socket.once("close", () => connections.delete(socket));
  });
  app.server.on("request", ({ socket }, response) => {
    count(socket, 1);
    response.once("close", () => count(socket, -1));
  });
  app.addHook("preClose", async () => {
    isClosing = true;
    for (const [socket, requests] of connections) if (requests === 0) socket.destroy();
  });
}
