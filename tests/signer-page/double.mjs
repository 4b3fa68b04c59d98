// A double of the host's routes for signers (docs/service-api.md, "Signers") that serves the page
// with the headers of host/src/service/http/page.rs. It opens answers as the enclave does.

import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { sha256 } from "../protocol2/crypto.mjs";
import { openAnswer } from "../protocol2/enclave.mjs";
import { parse } from "../protocol2/json.mjs";
import { makeRequest } from "./request.mjs";

const root = new URL("../../host/", import.meta.url);
const source = readFileSync(new URL("src/service/http/page.rs", root), "utf8");

/** The policy and the files of the real host: another list there is another list here. */
const policy = /const POLICY: &str = "([^"]*)";/.exec(source)[1].replace(/\\\n\s*/g, "");
const files = new Map([...source.matchAll(/^ {4}"([\w./-]+)" => "([^"]+)",$/gm)]
  .map(([, name, type]) => [name === "index.html" ? "" : name, { name, type }]));

const problem = (status, code, detail) => ({
  status, type: "application/problem+json", body: { title: code, status, detail, code },
});
const ok = (body, status = 200) => ({ status, type: "application/json", body });

export class Double {
  requests = new Map();
  /** The calls of the API, `{method, path, body}`; and all that was received, without bodies. */
  calls = [];
  received = [];
  /** How many calls of the API are dropped, before and after they are worked. */
  drop = { before: 0, after: 0 };
  /** How long an answer is worked, in milliseconds. */
  delay = 0;
  /** The page may be put into a frame: to see that it refuses by itself. */
  framed = false;

  async start() {
    this.server = createServer((request, response) => {
      this.serve(request, response).catch((error) => {
        console.log(`FAILED: the double: ${error.stack}`);
        process.exitCode = 1;
        response.destroy();
      });
    });
    await new Promise((done) => { this.server.listen(0, "127.0.0.1", done); });
    this.origin = `http://127.0.0.1:${this.server.address().port}`;
  }

  end() {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** A new request; `state` is that of the page in docs/service-api.md. */
  ask({ state = "open", pin, known = true, ...options } = {}) {
    const page = `${this.origin}/sign/`;
    const made = makeRequest({ page, phone: pin !== undefined, ...options });
    const request = { ...made, state, pin, pinSent: false, answers: new Map(), opened: [] };
    if (known) this.requests.set(made.keys.por.toString("hex"), request);
    return request;
  }

  async serve(request, response) {
    const url = new URL(request.url, this.origin);
    this.received.push(JSON.stringify([request.url, request.headers]));
    if (url.pathname.startsWith("/sign/")) return this.file(url.pathname.slice(6), response);
    if (url.pathname === "/empty") {
      return response.writeHead(200, { "Content-Type": "text/html" }).end();
    }
    if (!url.pathname.startsWith("/api/")) return response.writeHead(404).end();
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    this.calls.push({ method: request.method, path: request.url, body: body.toString() });
    const { headers } = request;
    if (headers.cookie || headers.authorization || headers.referer) throw new Error("a credential");
    if (this.drop.before > 0) {
      this.drop.before -= 1;
      return response.destroy();
    }
    const answer = await this.api(request.method, url, headers, body);
    if (this.drop.after > 0) {
      this.drop.after -= 1;
      return response.destroy();
    }
    response.writeHead(answer.status, { "Content-Type": answer.type, "Cache-Control": "no-store" });
    return response.end(JSON.stringify(answer.body));
  }

  file(path, response) {
    const file = files.get(path);
    if (!file) return response.writeHead(404).end();
    const content = readFileSync(new URL(`web/signer/${file.name}`, root));
    const framing = this.framed ? {} : { "X-Frame-Options": "DENY" };
    const csp = this.framed ? policy.replace(/;\s*frame-ancestors 'none'/, "") : policy;
    response.writeHead(200, {
      "Content-Type": file.type, "Content-Security-Policy": csp, "Referrer-Policy": "no-referrer",
      "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache", ...framing,
    });
    return response.end(content);
  }

  async api(method, url, headers, body) {
    const route = /^\/api\/v2\/requests\/([0-9a-f]{64})(\/answers)?(?:\/([0-9a-f]{64}))?$/;
    const [, por, answers, hash] = route.exec(url.pathname) ?? [];
    const request = this.requests.get(por);
    if (!request) return problem(404, "not-found", "no such request");
    if (method === "GET" && hash) {
      const answer = request.answers.get(hash);
      if (!answer) return problem(404, "not-found", "no such answer");
      await answer.done;
      return ok(answer.result);
    }
    if (method === "GET" && !answers) {
      const { task, signer, round, state, pinSent } = request;
      return ok({ task, signer, round, state, pinSent });
    }
    if (method !== "POST" || !answers) return problem(404, "not-found", "no such route");
    if (headers["content-type"] !== "application/json") {
      return problem(400, "invalid", "the content type");
    }
    return this.take(request, body);
  }

  take(request, body) {
    const given = Object.fromEntries(parse(body));
    if (Object.keys(given).sort().join() !== "answer,function") {
      return problem(400, "invalid", "the members");
    }
    const sealed = Buffer.from(given.answer, "base64");
    if (sealed.toString("base64") !== given.answer) return problem(400, "invalid", "the base64");
    const hash = sha256(sealed).toString("hex");
    if (request.answers.has(hash)) return ok({ answer: hash }, 202);
    if (request.limited) return problem(429, "busy", "too many answers");
    if (request.state !== "open") {
      return problem(409, "conflict", `the request is ${request.state}`);
    }
    const result = this.enclave(request, given.function, sealed);
    const done = new Promise((end) => { setTimeout(end, this.delay).unref(); });
    request.answers.set(hash, { result, done });
    return ok({ answer: hash }, 202);
  }

  /** What the enclave makes of an answer. */
  enclave(request, name, sealed) {
    const opened = openAnswer(request.keys, sealed);
    const { action, pin, reason } = opened;
    const refused = (code) => ({ state: "refused", code });
    request.opened.push({ action, pin, reason });
    if ((action === "decline") !== (name === "decline")) return refused(2407);
    if (request.fate) return request.fate;
    if (action === "requestPin") {
      request.pinSent = true;
      return { state: "pinSent" };
    }
    if (action === "confirm" && request.pin !== undefined && pin !== request.pin) {
      return refused(2204);
    }
    request.state = action === "confirm" ? "confirmed" : "declined";
    return { state: request.state };
  }
}
