/**
 * The Realtime protocol as this page speaks it: what to send, and what the server's events change.
 * It neither opens connections nor plays sound; a transport does (webrtc.js, socket.js).
 */

export class Realtime {
  #send;
  #heard;
  #answering = "";

  /** `send` takes one client event; `heard` gets every server event after its bookkeeping. */
  constructor(send, heard) {
    this.#send = send;
    this.#heard = heard;
    this.session = "";
    this.interrupts = true;
  }

  receive(event) {
    if (event.type === "session.created") {
      this.session = event.session.id;
      this.#send({ type: "session.update", session: { type: "realtime", audio: { input: { transcription: { model: "gpt-4o-mini-transcribe" } } } } });
    }
    if (event.type === "session.created" || event.type === "session.updated") {
      this.interrupts = event.session.audio?.input?.turn_detection?.interrupt_response !== false;
    }
    if (event.type === "response.created") this.#answering = event.response.id;
    if (event.type === "response.done" && event.response.id === this.#answering) this.#answering = "";
    this.#heard(event);
  }

  get answering() {
    return this.#answering !== "";
  }

  /** Typed words, and the request to answer them. */
  say(text) {
    const item = { type: "message", role: "user", content: [{ type: "input_text", text }] };
    this.#send({ type: "conversation.item.create", item });
    this.#send({ type: "response.create" });
  }

  cancel() {
    if (this.answering) this.#send({ type: "response.cancel", response_id: this.#answering });
  }

  /** Only where the server plays: drops what it has not sent yet. */
  clearOutput() {
    this.#send({ type: "output_audio_buffer.clear" });
  }

  /** Only where we play: this much of the item was heard. */
  truncate(item, heardMs) {
    this.#send({ type: "conversation.item.truncate", item_id: item, content_index: 0, audio_end_ms: Math.floor(heardMs) });
  }
}
