/** Plays PCM16 at 24 kHz and counts, sample by sample, how much of each item has been played. */

class Playback extends AudioWorkletProcessor {
  constructor() {
    super();
    this.queue = []; // {item, samples, at}
    this.item = "";
    this.played = 0;
    this.told = 0;
    this.finished = new Set();
    this.port.onmessage = ({ data }) => this[data.do](data);
  }

  enqueue({ item, pcm }) {
    this.queue.push({ item, samples: new Int16Array(pcm), at: 0 });
  }

  finish({ item }) {
    this.finished.add(item);
  }

  /** Answers with the item that was cut into and its count, or nothing if no sound was lost by it. */
  flush({ ticket }) {
    const cut = this.queue.length ? { item: this.queue[0].item, played: this.queue[0].item === this.item ? this.played : 0 } : null;
    this.queue = [];
    this.port.postMessage({ type: "flushed", ticket, cut });
  }

  process(_inputs, [[output]]) {
    let filled = 0;
    while (filled < output.length && this.queue.length) {
      const chunk = this.queue[0];
      if (chunk.item !== this.item) this.begin(chunk.item);
      const count = Math.min(output.length - filled, chunk.samples.length - chunk.at);
      for (let index = 0; index < count; index += 1) output[filled + index] = chunk.samples[chunk.at + index] / 32768;
      chunk.at += count;
      filled += count;
      this.played += count;
      if (chunk.at === chunk.samples.length) this.queue.shift();
    }
    if (this.played - this.told >= sampleRate / 10 || (filled < output.length && this.played !== this.told)) this.tell();
    return true;
  }

  begin(item) {
    this.tell();
    this.finished.delete(this.item);
    this.item = item;
    this.played = 0;
    this.told = 0;
  }

  tell() {
    this.told = this.played;
    if (this.item) this.port.postMessage({ type: "progress", item: this.item, played: this.played });
  }
}

registerProcessor("playback", Playback);
