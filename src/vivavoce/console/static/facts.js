/**
 * Realtime events as facts of the timeline, for a server that has no timeline to show. Poorer: nobody says here how much
 * of a reply was heard, so its words count as heard, and tools that run on the server do not appear at all.
 */

export class FactsOfRealtime {
  #partial = new Map();

  /** The facts that one server event stands for. */
  of(event) {
    switch (event.type) {
      case "input_audio_buffer.speech_started":
        return [{ type: "CallerSpeechStarted" }];
      case "input_audio_buffer.speech_stopped":
        return [{ type: "CallerSpeechStopped" }];
      case "conversation.item.input_audio_transcription.delta":
        return [{ type: "CallerTranscribed", text: this.#grow(event.item_id, event.delta ?? ""), final: false }];
      case "conversation.item.input_audio_transcription.completed":
        this.#partial.delete(event.item_id);
        return event.transcript ? [{ type: "CallerTranscribed", text: event.transcript, final: true }] : [];
      case "response.created":
        return [{ type: "ResponseStarted", response: event.response.id }];
      case "response.output_audio_transcript.delta":
      case "response.output_text.delta":
        return [{ type: "AgentText", response: event.response_id, text: event.delta, at: 0, final: false, joined: true }];
      case "response.done":
        return event.response.status === "cancelled"
          ? [{ type: "Flush", response: event.response.id }]
          : [{ type: "ResponseFinished", response: event.response.id }];
      case "response.output_item.done":
        return event.item.type === "function_call"
          ? [{ type: "RunTool", tool_call: event.item.call_id, name: event.item.name, arguments: event.item.arguments }]
          : [];
      default:
        return [];
    }
  }

  #grow(item, delta) {
    const text = (this.#partial.get(item) ?? "") + delta;
    this.#partial.set(item, text);
    return text;
  }
}
