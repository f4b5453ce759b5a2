import type { Http, Query } from "./http.js";

/** One page of a list, newest first. */
export interface Page<T> {
  data: T[];
  hasMore: boolean;
  nextCursor: string | null;
}

/** A list: `await` it for its first page, or walk through all of it with `for await`. */
export class List<T> implements PromiseLike<Page<T>>, AsyncIterable<T> {
  readonly #page: (cursor?: string) => Promise<Page<T>>;

  constructor(http: Http, path: string, query: Query = {}) {
    this.#page = (cursor) => http.get<Page<T>>(path, cursor === undefined ? query : { ...query, cursor });
  }

  then<A = Page<T>, B = never>(
    done?: ((page: Page<T>) => A | PromiseLike<A>) | null,
    failed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#page().then(done, failed);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (let page = await this.#page(); ; page = await this.#page(page.nextCursor!)) {
      yield* page.data;
      if (!page.hasMore || page.nextCursor === null) return;
    }
  }
}
