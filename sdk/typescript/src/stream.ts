import { ApiError } from "./errors.js";
import { type Http, type Query, sleep } from "./http.js";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;

/**
 * Follow the event log without end: each event once, in order. After a break it goes on behind the last
 * event that was handed out; `lastEventId` begins behind an event of an earlier run.
 */
export async function* follow<T>(
  http: Http,
  query: Query,
  lastEventId: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  let last = lastEventId;
  for (let pause = FIRST_PAUSE; !signal?.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    try {
      const headers = { Accept: "text/event-stream", ...(last ? { "Last-Event-ID": last } : {}) };
      const silence = new AbortController();
      const ends = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
      const answer = await http.open("/events/stream", query, headers, ends);
      for await (const frame of frames(pieces(answer.body!, silence, http.timeout))) {
        pause = FIRST_PAUSE;
        if (frame.id) last = frame.id;
        if (frame.data) yield JSON.parse(frame.data) as T;
      }
    } catch (error) {
      if (signal?.aborted) return;
      const wrong = error instanceof ApiError && error.status < 500 && error.status !== 429;
      if (wrong || error instanceof SyntaxError) throw error;
    }
    await sleep(pause, signal).catch(() => undefined);
  }
}

interface Frame {
  id: string;
  data: string;
}

/** A server that lives says so every fifteen seconds; one that is silent for longer than an answer
 * may take is gone, whatever the connection looks like. */
async function* pieces(body: ReadableStream<Uint8Array>, silence: AbortController, timeout: number) {
  const reader = body.getReader();
  try {
    for (;;) {
      const timer = setTimeout(() => silence.abort(), timeout);
      const piece = await reader.read().finally(() => clearTimeout(timer));
      if (piece.done) return;
      yield piece.value;
    }
  } finally {
    silence.abort();
  }
}

async function* frames(body: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    text = (text + decoder.decode(chunk, { stream: true })).replaceAll("\r\n", "\n");
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      yield frame(text.slice(0, end));
      text = text.slice(end + 2);
    }
  }
}

function frame(text: string): Frame {
  const found: Frame = { id: "", data: "" };
  for (const line of text.split("\n")) {
    const [name, ...rest] = line.split(":");
    const value = rest.join(":").replace(/^ /, "");
    if (name === "id") found.id = value;
    if (name === "data") found.data += found.data ? `\n${value}` : value;
  }
  return found;
}
