/**
 * Under Bun, which reads into one large buffer. Counts bytes; at one that is not zero it answers on that connection with the number of bytes.
 * Arguments: HOST PORT
 */
import { bunRuntime } from '../../../proxy-image/io/transport/bun-api.ts';

const [hostname = '', port] = process.argv.slice(2);

bunRuntime()?.listen({
  hostname,
  port: Number(port),
  allowHalfOpen: false,
  socket: {
    open: (socket) => {
      socket.data = 0;
    },
    data: (socket, chunk) => {
      const bytes = Number(socket.data) + chunk.length;
      socket.data = bytes;
      if (chunk[chunk.length - 1] === 0) return;
      const answer = Buffer.from(`${bytes}\n`);
      socket.write(answer, 0, answer.length);
    },
  },
});
