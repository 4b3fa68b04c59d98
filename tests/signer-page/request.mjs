// A request of a signer as an enclave makes it: the link, and the keys that open its answers.

import { randomBytes } from "node:crypto";
import { publicOf } from "../protocol2/crypto.mjs";
import { answerKey, linkKey } from "../protocol2/enclave.mjs";
import { writeLink } from "../protocol2/signer.mjs";

const DAY = 86_400_000;

/**
 * A fresh request.
 *
 * @returns `link`, and `keys` as `openAnswer` of tests/protocol2 takes them
 */
export function makeRequest({
  page = "https://sign.example.com/", fileName = "contract.pdf", domain = "example.com",
  locale = "en-US", phone = false, expiry = Date.now() + 7 * DAY, signer = 0, round = 1,
}) {
  const [root, launch, binding, task, por] = Array.from({ length: 5 }, () => randomBytes(32));
  const answer = answerKey(root, binding, signer, round);
  const link = linkKey(launch, root, binding, signer, round);
  const members = {
    protocol: 2, task: task.toString("hex"), binding: binding.toString("hex"), signer, round,
    por: por.toString("hex"), expiry, key: link.toString("base64url"),
    publicKey: publicOf(link).toString("base64url"),
    answerKey: publicOf(answer).toString("base64url"), domain, fileName, locale, pin: phone,
  };
  return {
    link: writeLink(page, members),
    keys: { answerKey: answer, linkKey: publicOf(link), por },
    task: members.task, signer, round,
  };
}
