// node --import ./test/as-marketplace.mjs: the documentation's host is where OFFERHUB_BASE_URL says.
const documented = "https://orchestrator.marketplace.com";
const original = globalThis.fetch;
globalThis.fetch = (url, options) =>
  original(String(url).replace(documented, process.env.OFFERHUB_BASE_URL), options);
