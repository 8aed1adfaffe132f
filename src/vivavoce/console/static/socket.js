/** The call over a WebSocket: events and sound on one socket, and this page owns playback. */

import { Fault } from "./faults.js";
import { capture } from "./microphone.js";
import { Realtime } from "./realtime.js";
import { whyNot } from "./server.js";
import { RATE_HZ } from "./sound.js";

const CONNECT_MS = 8000;
const BACKLOG_BYTES = 256 * 1024; // five seconds of speech as it goes over the wire

function socketUrl(agent) {
  const url = new URL(`v1/realtime?model=${encodeURIComponent(agent)}`, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url;
}

export function toBase64(buffer) {
  return btoa(String.fromCharCode(...new Uint8Array(buffer)));
}

export function fromBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
}

/** Opens the call; returns the transport that `call.js` drives. */
export async function openSocket({ agent, secret, microphone, sound, heard, closed }) {
  // A browser cannot set headers on a socket, so the secret goes as a subprotocol; the server answers "realtime" alone.
  const protocols = secret ? ["realtime", `openai-insecure-api-key.${secret}`] : ["realtime"];
  const socket = new WebSocket(socketUrl(agent), protocols);
  const player = await sound.player();
  const send = (event) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(event));
  const cut = async () => {
    const stopped = await player.flush();
    if (stopped) realtime.truncate(stopped.item, (stopped.heard * 1000) / RATE_HZ);
  };
  const realtime = new Realtime(send, (event) => {
    if (event.type === "response.output_audio.delta") player.enqueue(event.item_id, fromBase64(event.delta));
    if (event.type === "response.output_audio.done") player.finish(event.item_id);
    if (event.type === "input_audio_buffer.speech_started" && realtime.interrupts) cut();
    if (event.type === "response.done" && event.response.status === "cancelled") cut();
    heard(event);
  });
  socket.addEventListener("message", (message) => realtime.receive(JSON.parse(message.data)));
  await opened(socket);

  let stopCapture = await capture(sound, microphone, sendFrame);
  function sendFrame(pcm) {
    if (socket.bufferedAmount < BACKLOG_BYTES) send({ type: "input_audio_buffer.append", audio: toBase64(pcm) });
  }
  socket.addEventListener("close", (event) => {
    stopCapture();
    player.flush();
    closed(event.code === 1000 || event.code === 1001 || event.code === 1005 ? null : new Fault("lost", event.reason));
  });
  return {
    name: "WebSocket",
    call: "",
    realtime,
    async stopAgent() {
      realtime.cancel();
      await cut();
    },
    async replaceMicrophone(stream) {
      stopCapture();
      stopCapture = await capture(sound, stream, sendFrame);
    },
    close: () => socket.close(1000),
  };
}

function opened(socket) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => (socket.close(), reject(new Fault("unreachable"))), CONNECT_MS);
    socket.addEventListener("open", () => (clearTimeout(late), resolve()));
    socket.addEventListener("error", () => (clearTimeout(late), whyNot().then(reject))); // which a browser does not tell
  });
}
