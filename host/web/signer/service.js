// What the page says to the host (docs/service-api.md, "Signers"). The host gets the hash of the
// request and answers that it cannot read; nothing is asked before a person has pressed a button.

import { toBase64 } from "./link.js";

/** The service said no. `status` is that of HTTP. */
export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** The network or the service is away. */
export class Away extends Error {}

/** A connection that hangs is given up; the longest wait of the service is shorter. */
const LIMIT = 45_000;
const PAUSES = [500, 1000, 2000, 4000, 8000];
const sleep = (ms) => new Promise((done) => { setTimeout(done, ms); });

/** Where the API is: a sender who serves the page changes the page's meta element. */
function base() {
  const meta = document.querySelector('meta[name="letsesign-api"]')?.content ?? "/";
  return new URL(meta.endsWith("/") ? meta : `${meta}/`, location.href);
}

async function once(path, options) {
  const answer = await fetch(new URL(path, base()), {
    ...options,
    signal: AbortSignal.timeout(LIMIT),
    cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer", redirect: "error",
  });
  if (answer.status >= 500) throw new Away();
  const body = await answer.json();
  if (!answer.ok) throw new Refused(answer.status, body.detail);
  return body;
}

/** The same request again while the network or the service is away: repeats change nothing. */
async function patient(path, options) {
  for (const pause of [...PAUSES, null]) {
    try {
      return await once(path, options);
    } catch (error) {
      if (error instanceof Refused) throw error;
      if (pause !== null) await sleep(pause);
    }
  }
  throw new Away();
}

/** The state of the request: `open`, `confirmed` and so on. */
export function requestState(link) {
  return patient(`api/v2/requests/${link.por}`);
}

/** Gives an answer, and waits for what becomes of it: `{state, code?}`. */
export async function giveAnswer(link, which, sealed) {
  const body = JSON.stringify({ function: which, answer: toBase64(sealed) });
  const path = `api/v2/requests/${link.por}/answers`;
  const { answer } = await patient(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body,
  });
  for (;;) {
    const state = await patient(`${path}/${answer}?wait=20`);
    if (state.state !== "working") return state;
    // A service that does not wait is not asked without a pause.
    await sleep(PAUSES[0]);
  }
}
