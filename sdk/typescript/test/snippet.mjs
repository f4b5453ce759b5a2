import { OfferHubClient } from '@offerhub/sdk';

const client = new OfferHubClient({
  apiKey: process.env.OFFERHUB_API_KEY,
  baseUrl: 'https://orchestrator.marketplace.com',
});

// Create order
const order = await client.orders.create({
  buyerId: 'usr_123',
  sellerId: 'usr_456',
  amount: 100,
  description: 'Web design project',
});

// Reserve funds
await client.orders.reserve(order.id);

// Create and fund escrow
const escrow = await client.escrow.create({ orderId: order.id });
await client.escrow.fund(escrow.id);

// Release funds
await client.resolution.release({
  orderId: order.id,
  milestoneId: 'm1',
});
