// Plays whole escrows with the published packages, unmodified, and prints what it saw as JSON.
// Usage: SANDBOX_URL=http://127.0.0.1:8400 node play.mjs
import assert from 'node:assert/strict';
import {
  Address, Asset, BASE_FEE, Contract, Horizon, Keypair, Operation, TransactionBuilder,
  nativeToScVal, rpc, scValToNative, xdr,
} from '@stellar/stellar-sdk';
import * as work from '@trustless-work/escrow';
import React from 'react';
import { renderToString } from 'react-dom/server';

const url = process.env.SANDBOX_URL;
const health = await (await fetch(`${url}/control/health`)).json();
const passphrase = health.networkPassphrase;
const usdc = new Asset('USDC', health.usdcIssuer);
const horizon = new Horizon.Server(url, { allowHttp: true });
const soroban = new rpc.Server(`${url}/rpc`, { allowHttp: true });

// The escrow package is a set of React hooks; rendering on the server hands out its client.
function escrowClient() {
  const found = {};
  function Grab() {
    for (const [name, hook] of Object.entries(work)) {
      if (name.startsWith('use')) Object.assign(found, hook());
    }
    return null;
  }
  const settings = { baseURL: url, apiKey: health.trustlessWorkApiKey };
  renderToString(
    React.createElement(work.TrustlessWorkConfig, settings, React.createElement(Grab)),
  );
  return found;
}

const escrow = escrowClient();

async function control(name, body) {
  const answer = await fetch(`${url}/control/${name}`, {
    method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' },
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
}

async function person(amount) {
  const keypair = Keypair.random();
  await horizon.friendbot(keypair.publicKey()).call();
  const account = await horizon.loadAccount(keypair.publicKey());
  const trust = new TransactionBuilder(account, { fee: BASE_FEE, networkPassphrase: passphrase })
    .addOperation(Operation.changeTrust({ asset: usdc })).setTimeout(60).build();
  trust.sign(keypair);
  assert.equal((await horizon.submitTransaction(trust)).successful, true);
  if (amount) await control('mint', { address: keypair.publicKey(), amount });
  return keypair;
}

async function signAndSend(built, keypair) {
  assert.equal(built.status, 'SUCCESS');
  const transaction = TransactionBuilder.fromXDR(built.unsignedTransaction, passphrase);
  transaction.sign(keypair);
  const sent = await escrow.sendTransaction(transaction.toXDR());
  assert.equal(sent.status, 'SUCCESS', JSON.stringify(sent));
  return { ...sent, hash: transaction.hash().toString('hex') };
}

async function balance(keypair) {
  const account = await horizon.loadAccount(keypair.publicKey());
  return account.balances.find((line) => line.asset_code === 'USDC').balance;
}

const [buyer, seller, platform, resolver] = await Promise.all(
  [person('2000'), person(), person(), person()],
);
const pk = (keypair) => keypair.publicKey();

function terms(type) {
  const roles = {
    approver: pk(buyer), serviceProvider: pk(seller), platformAddress: pk(platform),
    releaseSigner: pk(buyer), disputeResolver: pk(resolver),
  };
  const common = {
    signer: pk(buyer), engagementId: `js_${type}`, title: 'A job', description: 'From JavaScript',
    platformFee: 5, trustline: { address: health.usdcIssuer, symbol: 'USDC' },
  };
  if (type === 'single-release') {
    return {
      ...common, amount: 500, roles: { ...roles, receiver: pk(seller) },
      milestones: [{ description: 'all' }],
    };
  }
  return {
    ...common, roles,
    milestones: [
      { description: 'one', amount: 200, receiver: pk(seller) },
      { description: 'two', amount: 300, receiver: pk(seller) },
    ],
  };
}

async function started(type) {
  const deployed = await signAndSend(await escrow.deployEscrow(terms(type), type), buyer);
  const contractId = deployed.contractId;
  assert.equal(deployed.escrow.engagementId, `js_${type}`);
  const funding = { contractId, signer: pk(buyer), amount: 500 };
  await signAndSend(await escrow.fundEscrow(funding, type), buyer);
  return contractId;
}

async function approved(contractId, type, index) {
  const milestone = { contractId, milestoneIndex: index };
  const status = {
    ...milestone, newStatus: 'completed', newEvidence: 'done', serviceProvider: pk(seller),
  };
  await signAndSend(await escrow.changeMilestoneStatus(status, type), seller);
  const approval = { ...milestone, approver: pk(buyer) };
  await signAndSend(await escrow.approveMilestone(approval, type), buyer);
}

async function single() {
  const type = 'single-release';
  const contractId = await started(type);
  await approved(contractId, type, '0');
  const release = { contractId, releaseSigner: pk(buyer) };
  const sent = await signAndSend(await escrow.releaseFunds(release, type), buyer);
  const [row] = await escrow.getEscrowByContractIds({
    contractIds: [contractId], validateOnChain: true,
  });
  assert.equal(row.flags.released, true);
  return { contractId, hash: sent.hash, seller: await balance(seller) };
}

async function multi() {
  const type = 'multi-release';
  const contractId = await started(type);
  await approved(contractId, type, '0');
  const release = { contractId, releaseSigner: pk(buyer), milestoneIndex: '0' };
  await signAndSend(await escrow.releaseFunds(release, type), buyer);
  const dispute = { contractId, signer: pk(buyer), milestoneIndex: '1' };
  await signAndSend(await escrow.startDispute(dispute, type), buyer);
  const resolution = {
    contractId, disputeResolver: pk(resolver), milestoneIndex: '1',
    distributions: [
      { address: pk(buyer), amount: 100 }, { address: pk(seller), amount: 190 },
    ],
  };
  await signAndSend(await escrow.resolveDispute(resolution, type), resolver);
  const rest = {
    contractId, disputeResolver: pk(resolver),
    distributions: [{ address: pk(buyer), amount: 10 }],
  };
  await signAndSend(await escrow.withdrawRemainingFunds(rest), resolver);
  const rows = await escrow.getEscrowsByRole({ role: 'approver', roleAddress: pk(buyer), type });
  const balances = await escrow.getMultipleBalances({ addresses: [contractId] });
  return {
    contractId, rows: rows.map((row) => row.contractId), balances,
    flags: rows[0].milestones.map((milestone) => milestone.flags),
    seller: await balance(seller), buyer: await balance(buyer), platform: await balance(platform),
  };
}

async function refusedSignature(contractId) {
  const built = await escrow.fundEscrow(
    { contractId, signer: pk(buyer), amount: 1 }, 'single-release',
  );
  const transaction = TransactionBuilder.fromXDR(built.unsignedTransaction, passphrase);
  transaction.sign(seller);
  try {
    await escrow.sendTransaction(transaction.toXDR());
  } catch (problem) {
    return { status: problem.response.status, message: problem.response.data.message };
  }
  throw new Error('a foreign signature was taken');
}

async function throughRpc(contractId) {
  const account = await soroban.getAccount(pk(buyer));
  const call = new Contract(health.usdcContract).call(
    'transfer', new Address(pk(buyer)).toScVal(), new Address(contractId).toScVal(),
    nativeToScVal(12345n, { type: 'i128' }),
  );
  const plain = new TransactionBuilder(account, { fee: BASE_FEE, networkPassphrase: passphrase })
    .addOperation(call).setTimeout(60).build();
  const ready = await soroban.prepareTransaction(plain);
  ready.sign(buyer);
  const sent = await soroban.sendTransaction(ready);
  const done = await soroban.pollTransaction(sent.hash);
  const latest = await soroban.getLatestLedger();
  const topics = [[nativeToScVal('transfer', { type: 'symbol' }).toXDR('base64'), '*',
    new Address(contractId).toScVal().toXDR('base64'), '*']];
  const { events } = await soroban.getEvents({
    startLedger: done.ledger,
    filters: [{ type: 'contract', contractIds: [health.usdcContract], topics }], limit: 10,
  });
  const held = await soroban.getSACBalance(contractId, usdc, passphrase);
  return {
    sent: sent.status, done: done.status, latest: latest.sequence >= done.ledger,
    returned: done.returnValue.switch().name, value: String(scValToNative(events[0].value)),
    events: events.length, held: held.balanceEntry.amount,
    header: latest.headerXdr instanceof xdr.LedgerHeader,
  };
}

async function payments(keypair) {
  const page = await horizon.payments().forAccount(pk(keypair)).join('transactions')
    .order('asc').limit(200).call();
  return page.records.map((record) => record.type);
}

const first = await single();
const second = await multi();
console.log(JSON.stringify({
  single: first,
  multi: second,
  forged: await refusedSignature(first.contractId),
  rpc: await throughRpc(first.contractId),
  payments: await payments(seller),
}));
