/** One complaint about one field of a body; the path in dots: `milestones.1.amount`. */
export interface FieldError {
  field: string;
  code: string;
  message: string;
}

/** Base of everything that this package throws. */
export class OfferHubError extends Error {
  override name = "OfferHubError";
}

/** The server understood the request and said no (RFC 9457). `code` is what programs switch on. */
export class ApiError extends OfferHubError {
  override name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly requestId: string;
  readonly errors: FieldError[];
  /** The whole problem document, with members such as `available` and `requested`. */
  readonly problem: Record<string, unknown>;

  constructor(status: number, problem: Record<string, unknown>) {
    const detail = String(problem.detail ?? problem.title ?? `status ${status}`);
    super(detail);
    this.status = status;
    this.code = String(problem.code ?? "unknown");
    this.detail = detail;
    this.requestId = String(problem.requestId ?? "");
    this.errors = Array.isArray(problem.errors) ? (problem.errors as FieldError[]) : [];
    this.problem = problem;
  }
}

/** No answer after every try that was safe. What the request asked for may have happened: send it
 * again with `idempotencyKey` and it happens once. */
export class ConnectionError extends OfferHubError {
  override name = "ConnectionError";
  readonly idempotencyKey: string | undefined;

  constructor(message: string, idempotencyKey: string | undefined, cause: unknown) {
    super(message, { cause });
    this.idempotencyKey = idempotencyKey;
  }
}

/** The change was accepted and its chain operation has not ended within `pendingTimeout`. It goes
 * on by itself; `resource` is the state as last seen. */
export class PendingError extends OfferHubError {
  override name = "PendingError";
  readonly resource: unknown;
  readonly idempotencyKey: string;

  constructor(resource: unknown, idempotencyKey: string, seconds: number) {
    super(`still on its way after ${seconds} s; it goes on by itself`);
    this.resource = resource;
    this.idempotencyKey = idempotencyKey;
  }
}

/** A webhook that nobody should believe. */
export class WebhookVerificationError extends OfferHubError {
  override name = "WebhookVerificationError";
}
