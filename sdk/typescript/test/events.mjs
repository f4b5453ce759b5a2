// What a marketplace's server does with events. Reads {deliveries: [{body, headers, secrets}], last, count}
// and prints JSON: each webhook as this package and as the Standard Webhooks package see it, and the
// next so many events of the stream behind the last.
import { OfferHubClient, verifyWebhook } from "@offerhub/sdk";
import { Webhook } from "standardwebhooks";

const client = new OfferHubClient({
  apiKey: process.env.OFFERHUB_API_KEY,
  baseUrl: process.env.OFFERHUB_BASE_URL,
});
let text = "";
for await (const piece of process.stdin) text += piece;
const { deliveries, last, count } = JSON.parse(text);

const verified = [];
const refused = [];
for (const { body, headers, secrets } of deliveries) {
  for (const secret of secrets) {
    verified.push([verifyWebhook(body, headers, secret), new Webhook(secret).verify(body, headers)]);
    const checks = [() => verifyWebhook(`${body} `, headers, secret), () => new Webhook(secret).verify(`${body} `, headers)];
    for (const check of checks) {
      try {
        check();
      } catch (error) {
        refused.push(error.name || error.constructor.name);
      }
    }
  }
}
const events = [];
for await (const event of client.events.follow({ lastEventId: last })) {
  events.push(event);
  if (events.length === count) break;
}
console.log(JSON.stringify({ verified, refused, events }));
