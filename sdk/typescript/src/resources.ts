import { type Http, type Query, type RequestOptions } from "./http.js";
import { List } from "./pages.js";
import { follow } from "./stream.js";
import type { components, operations } from "./schema.js";

type Schemas = components["schemas"];
/** The query of a list, without the cursor that pages are turned with. */
type Filter<Id extends keyof operations> = operations[Id] extends { parameters: { query?: infer Q } }
  ? Omit<NonNullable<Q>, "cursor">
  : Record<string, never>;

export type Order = Schemas["Order"];
export type NewOrder = Schemas["NewOrderBodyRequest"];
export type Escrow = Schemas["Escrow"];
export type User = Schemas["User"];
export type Dispute = Schemas["Dispute"];
export type Withdrawal = Schemas["Withdrawal"];
export type Operation = Schemas["Operation"];
export type Deposit = Schemas["Deposit"];
export type Campaign = Schemas["Campaign"];
export type Subscription = Schemas["Subscription"];
export type Event = Schemas["Event"];
export type Batch = Schemas["BatchWithItems"];
export type WebhookEndpoint = Schemas["WebhookEndpoint"];

/** Long work with a progress of its own: its 202 is not followed unless you ask for it. */
const AT_ONCE: RequestOptions = { wait: false };

const id = encodeURIComponent;

class Resource {
  constructor(protected readonly http: Http) {}
}

export class Users extends Resource {
  create(body: Schemas["NewUserBodyRequest"], options?: RequestOptions) {
    return this.http.post<User>("/users", body, options);
  }
  get(userId: string) {
    return this.http.get<User>(`/users/${id(userId)}`);
  }
  list(query?: Filter<"users.list">) {
    return new List<User>(this.http, "/users", query as Query);
  }
  update(userId: string, changes: Schemas["PatchedUserChangesBodyRequest"]) {
    return this.http.patch<User>(`/users/${id(userId)}`, changes);
  }
  balance(userId: string) {
    return this.http.get<Schemas["Balance"]>(`/users/${id(userId)}/balance`);
  }
  wallet(userId: string) {
    return this.http.get<Schemas["Wallet"]>(`/users/${id(userId)}/wallet`);
  }
  statement(userId: string, query?: Filter<"users.statement">) {
    return new List<Schemas["StatementLine"]>(this.http, `/users/${id(userId)}/statement`, query as Query);
  }
  /** That the newest proof of funds counts this user's balance. */
  proof(userId: string) {
    return this.http.get<Schemas["UserProof"]>(`/users/${id(userId)}/proof`);
  }
  destinations(userId: string) {
    return new List<Schemas["SavedDestination"]>(this.http, `/users/${id(userId)}/destinations`);
  }
  addDestination(userId: string, body: Schemas["NewDestinationBodyRequest"], options?: RequestOptions) {
    return this.http.post<Schemas["SavedDestination"]>(`/users/${id(userId)}/destinations`, body, options);
  }
  renameDestination(userId: string, destinationId: string, changes: Schemas["PatchedLabelBodyRequest"]) {
    const path = `/users/${id(userId)}/destinations/${id(destinationId)}`;
    return this.http.patch<Schemas["SavedDestination"]>(path, changes);
  }
  removeDestination(userId: string, destinationId: string) {
    const path = `/users/${id(userId)}/destinations/${id(destinationId)}`;
    return this.http.delete<Schemas["SavedDestination"]>(path);
  }
}

export class Deposits extends Resource {
  get(depositId: string) {
    return this.http.get<Deposit>(`/deposits/${id(depositId)}`);
  }
  list(query?: Filter<"deposits.list">) {
    return new List<Deposit>(this.http, "/deposits", query as Query);
  }
}

export class Orders extends Resource {
  create(body: NewOrder, options?: RequestOptions) {
    return this.http.post<Order>("/orders", body, options);
  }
  get(orderId: string) {
    return this.http.get<Order>(`/orders/${id(orderId)}`);
  }
  list(query?: Filter<"orders.list">) {
    return new List<Order>(this.http, "/orders", query as Query);
  }
  reserve(orderId: string, options?: RequestOptions) {
    return this.http.post<Order>(`/orders/${id(orderId)}/reserve`, undefined, options);
  }
  cancel(orderId: string, body?: Schemas["CancelBodyRequest"], options?: RequestOptions) {
    return this.http.post<Order>(`/orders/${id(orderId)}/cancel`, body, options);
  }
  ship(orderId: string, body?: Schemas["ShipBodyRequest"], options?: RequestOptions) {
    return this.http.post<Order>(`/orders/${id(orderId)}/ship`, body, options);
  }
  extend(orderId: string, body: Schemas["ExtendBodyRequest"], options?: RequestOptions) {
    return this.http.post<Order>(`/orders/${id(orderId)}/extend`, body, options);
  }
  milestones(orderId: string) {
    return this.http.get<Schemas["Milestones"]>(`/orders/${id(orderId)}/milestones`);
  }
  timeline(orderId: string) {
    return this.http.get<Schemas["Timeline"]>(`/orders/${id(orderId)}/timeline`);
  }
}

export class Escrows extends Resource {
  create(body: Schemas["NewEscrowBodyRequest"], options?: RequestOptions) {
    return this.http.post<Escrow>("/escrow", body, options);
  }
  get(escrowId: string) {
    return this.http.get<Escrow>(`/escrow/${id(escrowId)}`);
  }
  fund(escrowId: string, options?: RequestOptions) {
    return this.http.post<Escrow>(`/escrow/${id(escrowId)}/fund`, undefined, options);
  }
}

export class Resolution extends Resource {
  /** Without an `action` the steps that are still missing are done, and the money is released. */
  release(body: Schemas["ReleaseBodyRequest"], options?: RequestOptions) {
    return this.http.post<Order>("/resolution/release", body, options);
  }
  refund(body: Schemas["RefundBodyRequest"], options?: RequestOptions) {
    return this.http.post<Order>("/resolution/refund", body, options);
  }
}

export class Disputes extends Resource {
  create(body: Schemas["NewDisputeBodyRequest"], options?: RequestOptions) {
    return this.http.post<Dispute>("/disputes", body, options);
  }
  get(disputeId: string) {
    return this.http.get<Dispute>(`/disputes/${id(disputeId)}`);
  }
  list(query?: Filter<"disputes.list">) {
    return new List<Dispute>(this.http, "/disputes", query as Query);
  }
  /** Over the approval threshold the answer is a proposal that a second person approves. */
  resolve(disputeId: string, body: Schemas["ResolveBodyRequest"], options?: RequestOptions) {
    return this.http.post<Dispute>(`/disputes/${id(disputeId)}/resolve`, body, options);
  }
  withdraw(disputeId: string, body: Schemas["WithdrawBodyRequest"], options?: RequestOptions) {
    return this.http.post<Dispute>(`/disputes/${id(disputeId)}/withdraw`, body, options);
  }
  addStatement(disputeId: string, body: Schemas["StatementBodyRequest"], options?: RequestOptions) {
    return this.http.post<Schemas["Statement"]>(`/disputes/${id(disputeId)}/statements`, body, options);
  }
  addMessage(disputeId: string, body: Schemas["MessageBodyRequest"], options?: RequestOptions) {
    return this.http.post<Schemas["Message"]>(`/disputes/${id(disputeId)}/messages`, body, options);
  }
  messages(disputeId: string) {
    return new List<Schemas["Message"]>(this.http, `/disputes/${id(disputeId)}/messages`);
  }
  /** PNG, JPEG, WebP, PDF or text, at most 10 MB. */
  addEvidence(disputeId: string, by: "buyer" | "seller", file: File, options?: RequestOptions) {
    const form = new FormData();
    form.set("by", by);
    form.set("file", file);
    return this.http.post<Schemas["Evidence"]>(`/disputes/${id(disputeId)}/evidence`, form, options);
  }
}

export class Withdrawals extends Resource {
  create(body: Schemas["NewWithdrawalBodyRequest"], options?: RequestOptions) {
    return this.http.post<Withdrawal>("/withdrawals", body, options);
  }
  get(withdrawalId: string) {
    return this.http.get<Withdrawal>(`/withdrawals/${id(withdrawalId)}`);
  }
  list(query?: Filter<"withdrawals.list">) {
    return new List<Withdrawal>(this.http, "/withdrawals", query as Query);
  }
  cancel(withdrawalId: string, body?: Schemas["PayoutsCancelBodyRequest"], options?: RequestOptions) {
    return this.http.post<Withdrawal>(`/withdrawals/${id(withdrawalId)}/cancel`, body, options);
  }
  /** Many at once; each is answered by itself. Follow it with `getBatch`. */
  createBatch(body: Schemas["NewBatchBodyRequest"], options: RequestOptions = AT_ONCE) {
    return this.http.post<Batch>("/withdrawals/batch", body, options);
  }
  getBatch(batchId: string) {
    return this.http.get<Batch>(`/withdrawals/batches/${id(batchId)}`);
  }
  batches() {
    return new List<Schemas["Batch"]>(this.http, "/withdrawals/batches");
  }
}

/** Many backers, one goal. */
export class Campaigns extends Resource {
  create(body: Schemas["NewCampaignBodyRequest"], options?: RequestOptions) {
    return this.http.post<Campaign>("/campaigns", body, options);
  }
  get(campaignId: string) {
    return this.http.get<Campaign>(`/campaigns/${id(campaignId)}`);
  }
  list(query?: Filter<"campaigns.list">) {
    return new List<Campaign>(this.http, "/campaigns", query as Query);
  }
  pledges(campaignId: string, query?: Filter<"campaigns.pledges">) {
    return new List<Schemas["Pledge"]>(this.http, `/campaigns/${id(campaignId)}/pledges`, query as Query);
  }
  /** Begins the settlement; follow it with `get` and its `progress`. */
  settle(campaignId: string, options: RequestOptions = AT_ONCE) {
    return this.http.post<Campaign>(`/campaigns/${id(campaignId)}/settle`, undefined, options);
  }
  cancel(campaignId: string, body?: Schemas["CancelBodyRequest"], options: RequestOptions = AT_ONCE) {
    return this.http.post<Campaign>(`/campaigns/${id(campaignId)}/cancel`, body, options);
  }
  retry(campaignId: string, options: RequestOptions = AT_ONCE) {
    return this.http.post<Campaign>(`/campaigns/${id(campaignId)}/retry`, undefined, options);
  }
}

/** An order and an escrow for each billing cycle. */
export class Subscriptions extends Resource {
  create(body: Schemas["NewSubscriptionBodyRequest"], options?: RequestOptions) {
    return this.http.post<Subscription>("/subscriptions", body, options);
  }
  get(subscriptionId: string) {
    return this.http.get<Subscription>(`/subscriptions/${id(subscriptionId)}`);
  }
  list(query?: Filter<"subscriptions.list">) {
    return new List<Subscription>(this.http, "/subscriptions", query as Query);
  }
  /** The price from the next cycle on that has no order yet. */
  update(subscriptionId: string, changes: Schemas["PatchedChangesBodyRequest"]) {
    return this.http.patch<Subscription>(`/subscriptions/${id(subscriptionId)}`, changes);
  }
  cycles(subscriptionId: string) {
    return new List<Schemas["Cycle"]>(this.http, `/subscriptions/${id(subscriptionId)}/cycles`);
  }
  /** What cancelling now would pay. */
  cancellation(subscriptionId: string) {
    return this.http.get<Schemas["Cancellation"]>(`/subscriptions/${id(subscriptionId)}/cancellation`);
  }
  cancel(subscriptionId: string, body: Schemas["SubscriptionsCancelBodyRequest"], options?: RequestOptions) {
    return this.http.post<Subscription>(`/subscriptions/${id(subscriptionId)}/cancel`, body, options);
  }
  pause(subscriptionId: string, options?: RequestOptions) {
    return this.http.post<Subscription>(`/subscriptions/${id(subscriptionId)}/pause`, undefined, options);
  }
  resume(subscriptionId: string, body?: Schemas["ResumeBodyRequest"], options?: RequestOptions) {
    return this.http.post<Subscription>(`/subscriptions/${id(subscriptionId)}/resume`, body, options);
  }
}

export class Operations extends Resource {
  get(operationId: string) {
    return this.http.get<Operation>(`/operations/${id(operationId)}`);
  }
  /** A party that holds its own key has signed the envelope of `unsignedXdr`. */
  sign(operationId: string, signedXdr: string, options?: RequestOptions) {
    return this.http.post<Operation>(`/operations/${id(operationId)}/signature`, { signedXdr }, options);
  }
  /** A fresh envelope to sign. */
  envelope(operationId: string, options?: RequestOptions) {
    return this.http.post<Operation>(`/operations/${id(operationId)}/envelope`, undefined, options);
  }
  cancel(operationId: string, body?: Schemas["CancelBodyRequest"], options?: RequestOptions) {
    return this.http.post<Operation>(`/operations/${id(operationId)}/cancel`, body, options);
  }
}

export interface FollowOptions {
  /** Types of events, all when left out. */
  types?: readonly string[];
  subject?: string;
  /** Begin behind this event: the `id` of the last one you handled. */
  lastEventId?: string;
  signal?: AbortSignal;
}

/** One ordered log of all that happens. */
export class Events extends Resource {
  get(eventId: string) {
    return this.http.get<Event>(`/events/${id(eventId)}`);
  }
  list(query?: Filter<"events.list">) {
    return new List<Event>(this.http, "/events", query as Query);
  }
  /** Each event once, in order, without end; a lost connection goes on where it broke. */
  follow({ types, subject, lastEventId, signal }: FollowOptions = {}) {
    return follow<Event>(this.http, { types, subject }, lastEventId, signal);
  }
}

export class WebhookEndpoints extends Resource {
  /** The secret is in this answer and in no other. */
  create(body: Schemas["NewEndpointBodyRequest"], options?: RequestOptions) {
    return this.http.post<Schemas["WebhookSecret"]>("/webhook-endpoints", body, options);
  }
  get(endpointId: string) {
    return this.http.get<WebhookEndpoint>(`/webhook-endpoints/${id(endpointId)}`);
  }
  list() {
    return new List<WebhookEndpoint>(this.http, "/webhook-endpoints");
  }
  update(endpointId: string, changes: Schemas["PatchedEndpointChangesBodyRequest"]) {
    return this.http.patch<WebhookEndpoint>(`/webhook-endpoints/${id(endpointId)}`, changes);
  }
  delete(endpointId: string) {
    return this.http.delete<void>(`/webhook-endpoints/${id(endpointId)}`);
  }
  rotateSecret(endpointId: string, body?: Schemas["RotateSecretBodyRequest"], options?: RequestOptions) {
    const path = `/webhook-endpoints/${id(endpointId)}/rotate-secret`;
    return this.http.post<Schemas["WebhookSecret"]>(path, body, options);
  }
  test(endpointId: string, options?: RequestOptions) {
    const path = `/webhook-endpoints/${id(endpointId)}/test`;
    return this.http.post<Schemas["WebhookDeliveryDetail"]>(path, undefined, options);
  }
  /** What it did not take is sent again; call it again while `hasMore` is true. */
  replay(endpointId: string, body: Schemas["ReplayBodyRequest"], options?: RequestOptions) {
    const path = `/webhook-endpoints/${id(endpointId)}/replay`;
    return this.http.post<Schemas["WebhookReplay"]>(path, body, options);
  }
  deliveries(endpointId: string, query?: Filter<"webhookEndpoints.deliveries">) {
    const path = `/webhook-endpoints/${id(endpointId)}/deliveries`;
    return new List<Schemas["WebhookDelivery"]>(this.http, path, query as Query);
  }
  redeliver(endpointId: string, deliveryId: string, options?: RequestOptions) {
    const path = `/webhook-endpoints/${id(endpointId)}/deliveries/${id(deliveryId)}/redeliver`;
    return this.http.post<Schemas["WebhookDeliveryDetail"]>(path, undefined, options);
  }
}

export class Reports extends Resource {
  types() {
    return this.http.get<Schemas["ReportTypeList"]>("/reports/types");
  }
  run(body: Schemas["NewReportRunBodyRequest"], options?: RequestOptions) {
    return this.http.post<Schemas["ReportRun"]>("/reports/runs", body, options);
  }
  get(runId: string) {
    return this.http.get<Schemas["ReportRun"]>(`/reports/runs/${id(runId)}`);
  }
  list() {
    return new List<Schemas["ReportRun"]>(this.http, "/reports/runs");
  }
  /** The file of a run that is done, as a stream. */
  async file(runId: string) {
    return (await this.http.open(`/reports/runs/${id(runId)}/file`, undefined, {})).body!;
  }
}

/** Only on the sandbox network: money, time and trouble on demand. */
export class Sandbox extends Resource {
  deposit(body: Schemas["PretendDepositBodyRequest"], options?: RequestOptions) {
    return this.http.post<Schemas["PretendDeposit"]>("/sandbox/deposits", body, options);
  }
  clock(body: Schemas["ClockBodyRequest"], options?: RequestOptions) {
    return this.http.post<Schemas["Clock"]>("/sandbox/clock", body, options);
  }
  fault(body: Schemas["FaultBodyRequest"], options?: RequestOptions) {
    return this.http.post<Schemas["Fault"]>("/sandbox/faults", body, options);
  }
  heal() {
    return this.http.delete<Schemas["Cleared"]>("/sandbox/faults");
  }
  scenarios() {
    return this.http.get<Schemas["Scenarios"]>("/sandbox/scenarios");
  }
}
