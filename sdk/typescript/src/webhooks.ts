import { createHmac, timingSafeEqual } from "node:crypto";
import { WebhookVerificationError } from "./errors.js";

const TOLERANCE = 300; // seconds

export interface WebhookHeaders {
  [name: string]: string | string[] | undefined;
}

/**
 * Check a webhook (Standard Webhooks) and answer its event.
 *
 * `body` is the raw text as it came, `secret` the endpoint's `whsec_…`. During a rotation the request
 * carries two signatures; one that fits is enough. The same event may come more than once: remember
 * its `id`. Throws WebhookVerificationError.
 */
export function verifyWebhook<T = unknown>(
  body: string | Uint8Array,
  headers: WebhookHeaders | Headers,
  secret: string,
  now: Date = new Date(),
): T {
  const raw = typeof body === "string" ? body : Buffer.from(body).toString("utf8");
  const id = header(headers, "webhook-id");
  const timestamp = header(headers, "webhook-timestamp");
  const signatures = header(headers, "webhook-signature");
  const age = Math.abs(now.getTime() / 1000 - Number(timestamp));
  if (!/^\d+$/.test(timestamp) || !(age <= TOLERANCE)) {
    throw new WebhookVerificationError("the timestamp is more than five minutes away");
  }
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.${raw}`).digest();
  const fits = signatures.split(" ").some((each) => {
    const [version, value] = each.split(",", 2);
    const given = Buffer.from(value ?? "", "base64");
    return version === "v1" && given.length === expected.length && timingSafeEqual(given, expected);
  });
  if (!fits) throw new WebhookVerificationError("no signature fits");
  return JSON.parse(raw) as T;
}

function header(headers: WebhookHeaders | Headers, name: string): string {
  const isHeaders = typeof (headers as Headers).get === "function";
  const found = isHeaders
    ? (headers as Headers).get(name)
    : Object.entries(headers as WebhookHeaders).find(([key]) => key.toLowerCase() === name)?.[1];
  const value = Array.isArray(found) ? found[0] : found;
  if (!value) throw new WebhookVerificationError(`the header ${name} is missing`);
  return value;
}
