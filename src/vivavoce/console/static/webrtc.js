/** The call over WebRTC: sound on tracks, which the server paces, and events on a data channel. */

import { Fault } from "./faults.js";
import { Realtime } from "./realtime.js";
import { offerCall } from "./server.js";

const CHANNEL = "oai-events";
const CONNECT_MS = 8000;

/** Whether this failure says "not by WebRTC" rather than "not at all". */
export const worthAnotherWay = (error) => !(error instanceof Fault) || ["server", "lost", "no-agent"].includes(error.kind);

/** Opens the call; returns the transport that `call.js` drives. */
export async function openWebRtc({ agent, secret, microphone, sound, heard, closed }) {
  const peer = new RTCPeerConnection();
  const channel = peer.createDataChannel(CHANNEL);
  const realtime = new Realtime((event) => channel.readyState === "open" && channel.send(JSON.stringify(event)), heard);
  let over = false;
  const end = (fault) => {
    if (over) return;
    over = true;
    channel.close();
    peer.close();
    closed(fault);
  };

  for (const track of microphone.getAudioTracks()) peer.addTrack(track, microphone);
  peer.addEventListener("track", (event) => sound.playStream(event.streams[0] ?? new MediaStream([event.track])));
  channel.addEventListener("message", (message) => realtime.receive(JSON.parse(message.data)));
  channel.addEventListener("close", () => end(null));
  peer.addEventListener("connectionstatechange", () => {
    if (peer.connectionState === "failed") end(new Fault("lost"));
  });

  let call;
  try {
    call = await negotiate(peer, agent, secret);
    await opened(peer, channel);
  } catch (error) {
    over = true;
    peer.close();
    throw error;
  }
  return {
    name: "WebRTC",
    call,
    realtime,
    async stopAgent() {
      realtime.cancel();
      realtime.clearOutput();
    },
    replaceMicrophone: (stream) => peer.getSenders().find((sender) => sender.track?.kind === "audio")?.replaceTrack(stream.getAudioTracks()[0]),
    close: () => end(null),
  };
}

async function negotiate(peer, agent, secret) {
  await peer.setLocalDescription();
  const { sdp, call } = await offerCall(secret, agent, await gathered(peer));
  await peer.setRemoteDescription({ type: "answer", sdp });
  return call;
}

/** The offer with its candidates: there is no other way for them to reach the server. */
async function gathered(peer) {
  if (peer.iceGatheringState !== "complete") {
    await new Promise((resolve) => {
      peer.addEventListener("icegatheringstatechange", () => peer.iceGatheringState === "complete" && resolve());
      setTimeout(resolve, 1000);
    });
  }
  return peer.localDescription.sdp;
}

function opened(peer, channel) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Fault("lost")), CONNECT_MS);
    channel.addEventListener("open", () => (clearTimeout(late), resolve()));
    peer.addEventListener("connectionstatechange", () => peer.connectionState === "failed" && reject(new Fault("lost")));
  });
}
