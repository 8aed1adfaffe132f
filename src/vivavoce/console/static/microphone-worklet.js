/** Cuts the microphone into frames of 20 ms PCM16 at 24 kHz, whatever the context's rate is. */

const RATE_HZ = 24000;
const FRAME_SAMPLES = 480;

class Microphone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.step = sampleRate / RATE_HZ; // 1 where the context could be opened at the protocol's rate
    this.position = 0; // of the next sample to give, counted in samples of the input from `tail` on
    this.tail = new Float32Array(0);
    this.frame = new Int16Array(FRAME_SAMPLES);
    this.filled = 0;
    this.ended = false;
    this.port.onmessage = () => (this.ended = true);
  }

  process([[input]]) {
    if (input) {
      const samples = new Float32Array(this.tail.length + input.length);
      samples.set(this.tail);
      samples.set(input, this.tail.length);
      let at = this.position;
      for (; at + this.step <= samples.length; at += this.step) this.give(this.mean(samples, at));
      const whole = Math.floor(at);
      this.tail = samples.slice(whole);
      this.position = at - whole;
    }
    return !this.ended;
  }

  /** Over the stretch of input that one sample of output stands for: a soft low-pass is enough for speech. */
  mean(samples, at) {
    const first = Math.floor(at);
    const last = Math.max(first + 1, Math.floor(at + this.step));
    let sum = 0;
    for (let index = first; index < last; index += 1) sum += samples[index];
    return sum / (last - first);
  }

  give(sample) {
    this.frame[this.filled] = Math.round(Math.max(-1, Math.min(1, sample)) * 32767);
    this.filled += 1;
    if (this.filled === FRAME_SAMPLES) {
      this.port.postMessage(this.frame.buffer, [this.frame.buffer]);
      this.frame = new Int16Array(FRAME_SAMPLES);
      this.filled = 0;
    }
  }
}

registerProcessor("microphone", Microphone);
