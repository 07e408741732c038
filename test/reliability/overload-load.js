// A load generator in a process of its own: node overload-load.js PORT SECONDS CONNECTIONS RATE KIND FILE
// RATE 0: each connection asks again as soon as it is answered. Otherwise so many requests a second, whether the answers
// come or not; what finds no free connection is not sent, and counted. KIND: image (posts FILE) or id.
// Prints {"ok", "refused", "other", "broken", "unsent", "seconds", "cpu"}.
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

const [port, seconds, connections, rate, kind, file] = process.argv.slice(2);
const body = kind === 'image' ? readFileSync(file) : Buffer.alloc(0);
const host = `Host: 127.0.0.1:${port}\r\n`;
let count = 0;
function request() {
  if (kind === 'image') {
    const head = `POST /v1/search?limit=5 HTTP/1.1\r\n${host}Content-Type: image/jpeg\r\nContent-Length: ${body.length}\r\n\r\n`;
    return Buffer.concat([Buffer.from(head), body]);
  }
  const id = encodeURIComponent(`a/${String(count++ % 40).padStart(4, '0')}.png`);
  return Buffer.from(`GET /v1/items/${id}/similar?limit=5 HTTP/1.1\r\n${host}\r\n`);
}

const result = { ok: 0, refused: 0, other: 0, broken: 0, unsent: 0 };
let stopped = false;
const free = [];

function open() {
  const socket = connect({ host: '127.0.0.1', port: Number(port), noDelay: true });
  const connection = { socket, busy: false, received: Buffer.alloc(0) };
  socket.on('data', (chunk) => {
    connection.received = Buffer.concat([connection.received, chunk]);
    const end = connection.received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = connection.received.toString('latin1', 0, end);
    const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (connection.received.length < end + 4 + length) return;
    connection.received = Buffer.alloc(0);
    connection.busy = false;
    const status = head.slice(9, 12);
    if (status === '200') result.ok++;
    else if (status === '503' && /retry-after/i.test(head)) result.refused++;
    else {
      result.other++;
      result.odd = head.slice(0, 300);
    }
    if (stopped) return;
    if (rate === '0') ask(connection);
    else free.push(connection);
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    if (connection.busy && !stopped) result.broken++;
    const at = free.indexOf(connection);
    if (at >= 0) free.splice(at, 1);
    if (!stopped) open();
  });
  socket.on('connect', () => {
    if (rate === '0') ask(connection);
    else free.push(connection);
  });
}
function ask(connection) {
  connection.busy = true;
  connection.socket.write(request());
}

for (let i = 0; i < Number(connections); i++) open();
const start = performance.now();
let sent = 0;
const timer = setInterval(() => {
  const due = Math.floor(((performance.now() - start) / 1000) * Number(rate));
  for (; sent < due; sent++) {
    const connection = free.shift(); // in turn: one that stays idle is closed by the server
    if (connection) ask(connection);
    else result.unsent++;
  }
}, 2);
setTimeout(
  () => {
    stopped = true;
    clearInterval(timer);
    const elapsed = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage();
    console.log(JSON.stringify({ ...result, seconds: elapsed, cpu: (user + system) / 1e6 / elapsed }));
    process.exit();
  },
  Number(seconds) * 1000,
);
