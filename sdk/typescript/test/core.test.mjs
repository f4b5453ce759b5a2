// The client's own promises, against a server that misbehaves on purpose. No Offerhub is needed.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, beforeEach, test } from "node:test";
import { ApiError, ConnectionError, OfferHubClient, PendingError, verifyWebhook } from "../dist/esm/index.js";
import { Webhook } from "standardwebhooks";
import { createRequire } from "node:module";

let script = [];
let seen = [];
let server;
let client;

before(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      seen.push({ method: request.method, url: request.url, headers: request.headers, body });
      const next = script.shift() ?? { status: 500, body: {} };
      if (next === "drop") return response.destroy();
      if (next === "break") {
        response.writeHead(200, { "Content-Length": "100" });
        return response.write("{", () => response.destroy());
      }
      const { status = 200, body: answer = {}, headers = {} } = next;
      if (next.stream) {
        response.writeHead(status, headers);
        return response.write(next.stream); // and not a word more
      }
      response.writeHead(status, { "Content-Type": "application/json", ...headers });
      response.end(JSON.stringify(answer));
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
});
after(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  seen = [];
  script = [];
  const baseUrl = `http://127.0.0.1:${server.address().port}/`;
  client = new OfferHubClient({ apiKey: "ohk_test_AAAAAAAA_secret", baseUrl, maxRetries: 3 });
});

const keys = () => new Set(seen.map((request) => request.headers["idempotency-key"]));

test("a lost answer is asked for again with the same key", async () => {
  script = ["drop", "break", { status: 201, body: { id: "ord_1" } }];
  const order = await client.orders.create({ buyerId: "a", sellerId: "b", amount: 1 });
  assert.equal(order.id, "ord_1");
  assert.equal(seen.length, 3);
  assert.equal(keys().size, 1);
  assert.match([...keys()][0], /^[0-9a-f-]{36}$/);
  assert.deepEqual(new Set(seen.map((r) => r.body)), new Set(['{"buyerId":"a","sellerId":"b","amount":1}']));
});

test("two changes have two keys, and a key of one's own is sent as it is", async () => {
  script = [{ body: {} }, { body: {} }, { body: {} }];
  await client.orders.reserve("ord_1");
  await client.orders.reserve("ord_1");
  await client.orders.reserve("ord_1", { idempotencyKey: "mine" });
  assert.equal(keys().size, 3);
  assert.equal(seen[2].headers["idempotency-key"], "mine");
});

test("a refusal is thrown at once, with what it says", async () => {
  const problem = {
    title: "Not enough money", status: 422, code: "insufficient_funds", detail: "1.00 of 2.00",
    requestId: "req_1", available: "1.00", errors: [{ field: "amount", code: "x", message: "y" }],
  };
  script = [{ status: 422, body: problem }];
  await assert.rejects(client.orders.reserve("ord_1"), (error) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.status, error.code, error.requestId], [422, "insufficient_funds", "req_1"]);
    assert.equal(error.problem.available, "1.00");
    assert.equal(error.errors[0].field, "amount");
    return true;
  });
  assert.equal(seen.length, 1);
});

test("429 and 503 are waited for as long as they say", async () => {
  script = [
    { status: 429, body: { code: "rate_limited" }, headers: { "Retry-After": "1" } },
    { body: { id: "usr_1" } },
  ];
  const begun = Date.now();
  assert.equal((await client.users.get("usr_1")).id, "usr_1");
  assert.ok(Date.now() - begun >= 990);
});

test("a change without a key is not sent twice when its answer is lost", async () => {
  script = ["drop", { body: {} }];
  await assert.rejects(client.users.update("usr_1", { name: "Ada" }), ConnectionError);
  assert.equal(seen.length, 1);
});

test("a pending change is followed with the same request until it has ended", async () => {
  const operation = { status: "SUBMITTED" };
  script = [
    { status: 202, body: { id: "esc_1", status: "DEPLOYING", operation } },
    { status: 202, body: { id: "esc_1", status: "DEPLOYING", operation: { status: "UNKNOWN" } } },
    { status: 201, body: { id: "esc_1", status: "DEPLOYED", operation: null } },
  ];
  const escrow = await client.escrow.create({ orderId: "ord_1" });
  assert.equal(escrow.status, "DEPLOYED");
  assert.deepEqual([seen.length, keys().size], [3, 1]);
});

test("what waits for a person is handed back at once", async () => {
  script = [
    { status: 202, body: { id: "ord_1", operation: { status: "AWAITING_SIGNATURE" } } },
    { status: 202, body: { id: "dsp_1", operation: null, proposal: { status: "OPEN" } } },
  ];
  const order = await client.resolution.release({ orderId: "ord_1" });
  assert.equal(order.operation.status, "AWAITING_SIGNATURE");
  const dispute = await client.disputes.resolve("dsp_1", { decision: "REFUND", note: "" });
  assert.equal(dispute.proposal.status, "OPEN");
  assert.equal(seen.length, 2);
});

test("patience with a pending change ends, and says what was seen last", async () => {
  const baseUrl = `http://127.0.0.1:${server.address().port}`;
  const hasty = new OfferHubClient({ apiKey: "ohk_test_x", baseUrl, pendingTimeout: 100 });
  script = [{ status: 202, body: { id: "ord_1", operation: { status: "PENDING" } } }];
  await assert.rejects(hasty.orders.reserve("ord_1"), (error) => {
    assert.ok(error instanceof PendingError);
    assert.equal(error.resource.id, "ord_1");
    return true;
  });
  script = [{ status: 202, body: { id: "ord_1", operation: { status: "PENDING" } } }];
  assert.equal((await hasty.orders.reserve("ord_1", { wait: false })).id, "ord_1");
  assert.equal(seen.at(-1).headers.prefer, "respond-async");
});

test("a list is one page when awaited and everything when walked through", async () => {
  const pages = [
    { data: [{ id: "a" }, { id: "b" }], hasMore: true, nextCursor: "c1" },
    { data: [{ id: "c" }], hasMore: false, nextCursor: null },
  ];
  script = [{ body: pages[0] }];
  assert.deepEqual((await client.orders.list({ limit: 2 })).data.map((o) => o.id), ["a", "b"]);
  script = pages.map((body) => ({ body }));
  const found = [];
  for await (const order of client.orders.list({ limit: 2 })) found.push(order.id);
  assert.deepEqual(found, ["a", "b", "c"]);
  assert.deepEqual(seen.map((r) => r.url), [
    "/api/v1/orders?limit=2", "/api/v1/orders?limit=2", "/api/v1/orders?limit=2&cursor=c1",
  ]);
});

test("a stream that falls silent is followed anew behind the last event", async () => {
  const frame = (number) => `id: evt_${number}\nevent: order.created\ndata: {"id": "evt_${number}"}\n\n`;
  const headers = { "Content-Type": "text/event-stream" };
  script = [
    { stream: `retry: 1000\nid: 0007\n\n${frame(1)}`, headers },
    { stream: frame(2) + frame(3), headers },
  ];
  const baseUrl = `http://127.0.0.1:${server.address().port}`;
  const hasty = new OfferHubClient({ apiKey: "ohk_test_x", baseUrl, timeout: 200 });
  const found = [];
  for await (const event of hasty.events.follow({ types: ["order.*"] })) {
    found.push(event.id);
    if (found.length === 3) break;
  }
  assert.deepEqual(found, ["evt_1", "evt_2", "evt_3"]);
  assert.deepEqual(seen.map((r) => r.headers["last-event-id"]), [undefined, "evt_1"]);
  assert.equal(seen[0].url, "/api/v1/events/stream?types=order.*");
});

test("a path can not be left by an id", async () => {
  script = [{ body: {} }];
  await client.orders.get("../users/x?y");
  assert.equal(seen[0].url, "/api/v1/orders/..%2Fusers%2Fx%3Fy");
});

test("a missing key is said before anything is sent", () => {
  assert.throws(() => new OfferHubClient({ apiKey: undefined, baseUrl: "http://x" }), /apiKey is missing/);
});

test("webhooks are believed when one signature of the standard fits, and not otherwise", () => {
  const secret = `whsec_${Buffer.from("0123456789abcdef0123456789abcdef").toString("base64")}`;
  const body = JSON.stringify({ id: "evt_1", type: "order.reserved" });
  const now = new Date();
  const signature = new Webhook(secret).sign("evt_1", now, body);
  const headers = {
    "Webhook-Id": "evt_1",
    "webhook-timestamp": String(Math.floor(now / 1000)),
    "webhook-signature": `v1,AAAA ${signature}`,
  };
  assert.equal(verifyWebhook(body, headers, secret).type, "order.reserved");
  assert.equal(verifyWebhook(Buffer.from(body), new Headers(headers), secret).id, "evt_1");
  const wrong = [
    [`${body} `, headers],
    [body, { ...headers, "Webhook-Id": "evt_2" }],
    [body, { ...headers, "webhook-signature": "v1,AAAA" }],
    [body, { ...headers, "webhook-signature": signature.replace("v1,", "v2,") }],
    [body, { ...headers, "webhook-timestamp": "soon" }],
    [body, { ...headers, "webhook-timestamp": String(Math.floor(now / 1000) - 301) }],
    [body, { ...headers, "webhook-signature": undefined }],
  ];
  for (const [text, sent] of wrong) {
    assert.throws(() => verifyWebhook(text, sent, secret), { name: "WebhookVerificationError" });
  }
  const old = new Date(now.getTime() + 301_000);
  assert.throws(() => verifyWebhook(body, headers, secret, old), /five minutes/);
});

test("CommonJS gets the same", () => {
  const required = createRequire(import.meta.url)("../dist/cjs/index.js");
  assert.equal(typeof required.OfferHubClient, "function");
  assert.equal(new required.ApiError(404, { code: "not_found" }).code, "not_found");
});
