import { type Http, type Query, type RequestOptions } from "./http.js";
import { List } from "./pages.js";
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
}

export class Operations extends Resource {
  get(operationId: string) {
    return this.http.get<Operation>(`/operations/${id(operationId)}`);
  }
}
