import { ApiError, ConnectionError, PendingError } from "./errors.js";

export interface ClientOptions {
  /** `ohk_test_…` or `ohk_live_…`. */
  apiKey: string | undefined;
  /** Where Offerhub is, without `/api/v1`: `https://pay.example.com`. */
  baseUrl: string;
  /** How often a request is sent again after an answer was lost or the server was busy. Default 4. */
  maxRetries?: number;
  /** Milliseconds until an answer, or the next sign of life of a stream, counts as lost. Default 45,000. */
  timeout?: number;
  /** Milliseconds that a change is followed until its chain operation ends. Default 300,000. */
  pendingTimeout?: number;
  /** Instead of the global `fetch`. */
  fetch?: typeof fetch;
}

export interface RequestOptions {
  /** Makes a repeat the same change. Made for you when you do not give one. */
  idempotencyKey?: string;
  /** Answer the 202 at once instead of following the operation to its end. */
  wait?: boolean;
  signal?: AbortSignal;
}

export type Query = Record<string, string | number | boolean | readonly string[] | undefined>;

interface Call {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  path: string;
  query?: Query | undefined;
  body?: unknown;
  options?: RequestOptions | undefined;
}

const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 8_000;
/** States of an operation that the server is still working on by itself. */
const MOVING = new Set(["PENDING", "SUBMITTED", "UNKNOWN"]);

/** Sends requests: retries only what is safe, follows what is pending, and turns refusals into errors. */
export class Http {
  readonly #key: string;
  readonly #base: string;
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    if (!options.apiKey) {
      throw new TypeError("apiKey is missing: make one at the desk, or with manage.py keys create");
    }
    this.#key = options.apiKey;
    this.#base = `${options.baseUrl.replace(/\/+$/, "")}/api/v1`;
    this.#options = options;
  }

  /** Milliseconds until an answer counts as lost. */
  get timeout(): number {
    return this.#options.timeout ?? 45_000;
  }

  async get<T>(path: string, query?: Query, options?: RequestOptions): Promise<T> {
    return (await this.#json(await this.#send({ method: "GET", path, query, options }))) as T;
  }

  async patch<T>(path: string, body: unknown, options?: RequestOptions): Promise<T> {
    return (await this.#json(await this.#send({ method: "PATCH", path, body, options }))) as T;
  }

  async delete<T>(path: string, options?: RequestOptions): Promise<T> {
    return (await this.#json(await this.#send({ method: "DELETE", path, options }))) as T;
  }

  /** A change. A 202 is followed by the same request with the same key: the server answers with the
   * present state, and does nothing twice. */
  async post<T>(path: string, body?: unknown, options: RequestOptions = {}): Promise<T> {
    const idempotencyKey = options.idempotencyKey ?? crypto.randomUUID();
    const call: Call = { method: "POST", path, body, options: { ...options, idempotencyKey } };
    const patience = this.#options.pendingTimeout ?? 300_000;
    const deadline = Date.now() + patience;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 1.5, 2_000)) {
      const answer = await this.#send(call);
      const state = await this.#json(answer);
      if (answer.status !== 202 || options.wait === false || waitsForSomebody(state)) return state as T;
      if (Date.now() + pause > deadline) throw new PendingError(state, idempotencyKey, patience / 1000);
      await sleep(pause, options.signal);
    }
  }

  /** The raw answer of a GET, for streams and files. */
  async open(path: string, query: Query | undefined, headers: Record<string, string>, signal?: AbortSignal) {
    const answer = await this.#fetch(this.#url(path, query), {
      headers: { Authorization: `Bearer ${this.#key}`, ...headers },
      ...(signal ? { signal } : {}),
    });
    if (!answer.ok) throw await refusal(answer);
    return answer;
  }

  async #send(call: Call): Promise<Response> {
    const retries = this.#options.maxRetries ?? 4;
    for (let tries = 0, pause = FIRST_PAUSE; ; tries += 1, pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      let wait = pause * (0.5 + Math.random() / 2);
      try {
        const answer = await this.#once(call);
        if (answer.ok) return answer;
        const error = await refusal(answer);
        if (tries >= retries || !mayRepeat(call, answer)) throw error;
        wait = Math.max(wait, seconds(answer.headers.get("Retry-After")) * 1000);
      } catch (error) {
        if (error instanceof ApiError || call.options?.signal?.aborted) throw error;
        // Whether it happened is not known: a read or a keyed change may be sent again.
        if (tries >= retries || !isRepeatable(call)) {
          const text = `${call.method} ${call.path} got no answer: ${String(error)}`;
          throw new ConnectionError(text, call.options?.idempotencyKey, error);
        }
      }
      await sleep(wait, call.options?.signal);
    }
  }

  async #once({ method, path, query, body, options }: Call): Promise<Response> {
    const headers: Record<string, string> = { Authorization: `Bearer ${this.#key}` };
    if (options?.idempotencyKey) headers["Idempotency-Key"] = options.idempotencyKey;
    if (options?.wait === false) headers["Prefer"] = "respond-async";
    const isForm = body instanceof FormData;
    if (body !== undefined && !isForm) headers["Content-Type"] = "application/json";
    const ends = AbortSignal.timeout(this.timeout);
    const answer = await this.#fetch(this.#url(path, query), {
      method,
      headers,
      signal: options?.signal ? AbortSignal.any([options.signal, ends]) : ends,
      ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
    });
    // Read whole here, so that an answer that breaks off counts as lost.
    const empty = answer.status === 204;
    return new Response(empty ? null : await answer.text(), { status: answer.status, headers: answer.headers });
  }

  get #fetch(): typeof fetch {
    return this.#options.fetch ?? globalThis.fetch;
  }

  #url(path: string, query?: Query): string {
    const url = new URL(this.#base + path);
    for (const [name, value] of Object.entries(query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, Array.isArray(value) ? value.join(",") : String(value));
    }
    return url.href;
  }

  async #json(answer: Response): Promise<unknown> {
    return answer.status === 204 ? undefined : await answer.json();
  }
}

/** 429 and 409 or 503 with Retry-After did nothing; other 5xx of a repeatable call may be asked again. */
function mayRepeat(call: Call, answer: Response): boolean {
  if (answer.status === 429 || answer.headers.has("Retry-After")) return true;
  return answer.status >= 500 && isRepeatable(call);
}

function isRepeatable(call: Call): boolean {
  return call.method === "GET" || call.method === "DELETE" || call.options?.idempotencyKey !== undefined;
}

/** Whether a pending state moves on only when a person does something: signs, or approves. */
function waitsForSomebody(state: unknown): boolean {
  const { operation, proposal, approval } = (state ?? {}) as Record<string, { status?: string } | null>;
  if (operation?.status === "AWAITING_SIGNATURE") return true;
  const asked = proposal?.status === "OPEN" || approval?.status === "OPEN";
  return asked && !MOVING.has(operation?.status ?? "");
}

async function refusal(answer: Response): Promise<ApiError> {
  const text = await answer.text().catch(() => "");
  try {
    return new ApiError(answer.status, JSON.parse(text) as Record<string, unknown>);
  } catch {
    return new ApiError(answer.status, { title: text.slice(0, 200) || `status ${answer.status}` });
  }
}

function seconds(text: string | null): number {
  const value = Number(text);
  return text !== null && Number.isFinite(value) && value > 0 ? value : 0;
}

export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}
