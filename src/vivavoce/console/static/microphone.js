/** The caller's voice: opened by name, or silence in its place, and cut into frames for a socket. */

import { Fault } from "./faults.js";

/** The stream of this device, or of the default one if it has gone. Throws a Fault that says why there is none. */
export async function openMicrophone(device) {
  if (!navigator.mediaDevices?.getUserMedia) throw new Fault("insecure");
  const wanted = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: device ? { ...wanted, deviceId: { exact: device } } : wanted });
  } catch (error) {
    if (error.name === "OverconstrainedError" && device) return openMicrophone("");
    throw new Fault(error.name === "NotAllowedError" ? "microphone-denied" : "microphone-missing", "", { cause: error });
  }
}

/** A microphone for someone who only types: models want to hear something, if only silence. */
export function silence(context) {
  const destination = context.createMediaStreamDestination();
  const source = new ConstantSourceNode(context, { offset: 0 });
  source.connect(destination);
  source.start();
  return destination.stream;
}

/** Calls `frame` with 20 ms of PCM16 at the protocol's 24 kHz at a time; returns what ends it. */
export async function capture(sound, stream, frame) {
  const source = await sound.source(stream);
  const worklet = new AudioWorkletNode(source.context, "microphone", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
  worklet.port.onmessage = (message) => frame(message.data);
  source.connect(worklet);
  return () => {
    source.disconnect();
    worklet.port.onmessage = null;
    worklet.port.postMessage("end");
  };
}
