// Use case 1 with the published surface, against the instance of OFFERHUB_BASE_URL. Prints JSON.
import { OfferHubClient, ApiError } from "@offerhub/sdk";

const client = new OfferHubClient({
  apiKey: process.env.OFFERHUB_API_KEY,
  baseUrl: process.env.OFFERHUB_BASE_URL,
});
const [buyer, seller, destination] = process.argv.slice(2);

const order = await client.orders.create({
  buyerId: buyer,
  sellerId: seller,
  amount: "500",
  milestones: [
    { id: "m1", description: "Design mockups", amount: 200 },
    { id: "m2", description: "Final implementation", amount: 300 },
  ],
});
await client.orders.reserve(order.id);
const escrow = await client.escrow.create({ orderId: order.id });
const funded = await client.escrow.fund(escrow.id);
const steps = [];
for (const action of ["complete", "approve", "release"]) {
  const state = await client.resolution.release({ orderId: order.id, milestoneId: "m1", action });
  steps.push(state.milestones[0].status);
}
const withdrawal = await client.withdrawals.create({ userId: seller, amount: 200, destination });
let refused = "";
try {
  await client.orders.create({ buyerId: buyer, sellerId: seller, amount: 1, autoFund: true });
} catch (error) {
  if (!(error instanceof ApiError)) throw error;
  refused = error.code;
}
const lines = [];
for await (const line of client.users.statement(buyer, { limit: 1 })) lines.push(line.amount);
const balance = await client.users.balance(seller);
console.log(
  JSON.stringify({
    funded: funded.status,
    steps,
    withdrawal: withdrawal.status,
    refused,
    lines,
    balance: [balance.available, balance.total],
    key: (await client.me()).apiKey.name,
  }),
);
