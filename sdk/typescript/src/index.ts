import { type ClientOptions, Http } from "./http.js";
import {
  Campaigns,
  Deposits,
  Disputes,
  Escrows,
  Events,
  Operations,
  Orders,
  Reports,
  Resolution,
  Sandbox,
  Subscriptions,
  Users,
  WebhookEndpoints,
  Withdrawals,
} from "./resources.js";
import type { components } from "./schema.js";

/**
 * A marketplace's client. Each change is sent with an idempotency key, is sent again when an answer
 * is lost, and is followed until its chain operation has ended.
 */
export class OfferHubClient {
  readonly users: Users;
  readonly deposits: Deposits;
  readonly orders: Orders;
  readonly escrow: Escrows;
  readonly resolution: Resolution;
  readonly disputes: Disputes;
  readonly withdrawals: Withdrawals;
  readonly campaigns: Campaigns;
  readonly subscriptions: Subscriptions;
  readonly operations: Operations;
  readonly events: Events;
  readonly webhookEndpoints: WebhookEndpoints;
  readonly reports: Reports;
  readonly sandbox: Sandbox;
  readonly #http: Http;

  constructor(options: ClientOptions) {
    const http = new Http(options);
    this.#http = http;
    this.users = new Users(http);
    this.deposits = new Deposits(http);
    this.orders = new Orders(http);
    this.escrow = new Escrows(http);
    this.resolution = new Resolution(http);
    this.disputes = new Disputes(http);
    this.withdrawals = new Withdrawals(http);
    this.campaigns = new Campaigns(http);
    this.subscriptions = new Subscriptions(http);
    this.operations = new Operations(http);
    this.events = new Events(http);
    this.webhookEndpoints = new WebhookEndpoints(http);
    this.reports = new Reports(http);
    this.sandbox = new Sandbox(http);
  }

  /** Which marketplace and key this is. */
  me() {
    return this.#http.get<components["schemas"]["Me"]>("/me");
  }
}

export * from "./errors.js";
export type { ClientOptions, RequestOptions } from "./http.js";
export { List, type Page } from "./pages.js";
export type * from "./resources.js";
export type { components, operations } from "./schema.js";
export { verifyWebhook, type WebhookHeaders } from "./webhooks.js";
