// Use case 1 with the generated client; prints JSON.
import { client } from "./client/client.gen";
import {
  escrowCreate,
  escrowFund,
  ordersCreate,
  ordersReserve,
  resolutionRelease,
  usersBalance,
  withdrawalsCreate,
} from "./client/sdk.gen";

async function main(buyerId: string, sellerId: string, destination: string) {
  client.setConfig({
    baseUrl: process.env.OFFERHUB_BASE_URL!,
    auth: () => process.env.OFFERHUB_API_KEY!,
    throwOnError: true,
  });
  const milestones = [
    { id: "m1", description: "Design mockups", amount: 200 },
    { id: "m2", description: "Final implementation", amount: "300.00" },
  ];
  const order = await ordersCreate({
    body: { buyerId, sellerId, amount: 500, milestones },
    headers: { "Idempotency-Key": "generated-typescript" },
  });
  const orderId = order.data!.id;
  await ordersReserve({ path: { orderId }, body: {} });
  const escrow = await escrowCreate({ body: { orderId } });
  const funded = await escrowFund({ path: { escrowId: escrow.data!.id }, body: {} });
  const steps = [];
  for (const action of ["complete", "approve", "release"] as const) {
    const { data } = await resolutionRelease({ body: { orderId, milestoneId: "m1", action } });
    steps.push(data!.milestones[0]!.status);
  }
  const out = await withdrawalsCreate({ body: { userId: sellerId, amount: 200, destination } });
  const balance = await usersBalance({ path: { userId: buyerId } });
  const seen = [funded.data!.status, ...steps, out.data!.status, balance.data!.inEscrow];
  console.log(JSON.stringify(seen));
}

const [buyer, seller, destination] = process.argv.slice(2);
main(buyer!, seller!, destination!).catch((error) => {
  console.error(error);
  process.exit(1);
});
