// Vectors of `previous`, the chain of PoRs and PoIs of signers in order.

import { base64, fixed, hex } from "./fixed.mjs";
import { goodAs, PROOFS, refusedAs } from "./proof.mjs";

const BOTH = ["mail", "sms"];

/**
 * `previous`, the hash of the PoI before. Who reads the proof alone cannot know whether it belongs
 * there, so a PoR and a PoI are well-formed with and without it.
 */
export function chains() {
  const previous = hex(fixed("poi 0"));
  const { checkedBy, phoneSalt, phoneHash: ofPhone, ...start } = PROOFS.poi;
  const chained = {
    por: { ...PROOFS.por, previous },
    poi: { ...start, checkedBy, previous, phoneSalt, phoneHash: ofPhone },
  };
  const mail = { ...start, checkedBy: ["mail"], previous };
  const early = { ...start, previous, checkedBy, phoneSalt, phoneHash: ofPhone };
  const { checkedBy: ways, ...asked } = PROOFS.por;
  const poi = refusedAs("poi");
  const por = refusedAs("por");
  const elsewhere = { decline: PROOFS.decline, void: PROOFS.void };
  return [
    ...Object.entries(chained).flatMap(([kind, value]) => {
      const refused = refusedAs(kind);
      const text = JSON.stringify(value);
      const other = (wrong) => JSON.stringify({ ...value, previous: wrong });
      return [
        goodAs(kind)("with previous", value),
        goodAs(kind)("with another previous", { ...value, previous: "0".repeat(64) }),
        refused("previous null", other(null)),
        refused("previous empty", other("")),
        refused("previous in upper case", other(previous.toUpperCase())),
        refused("previous with one digit in upper case", other(`A${"0".repeat(63)}`)),
        refused("previous of 31 bytes", other(previous.slice(2))),
        refused("previous of 33 bytes", other(`${previous}00`)),
        refused("previous of 63 digits", other(previous.slice(1))),
        refused("previous of other digits", other(`g${previous.slice(1)}`)),
        refused("previous in base64", other(base64(Buffer.from(previous, "hex")))),
        refused("previous as an array", other([previous])),
        refused("previous as an object", other({ hash: previous })),
        refused("previous false", other(false)),
        refused("previous twice", text.replace(
          '"previous"', `"previous":"${previous}","previous"`,
        )),
        refused("previous with a capital", text.replace('"previous"', '"Previous"')),
        refused("an escape in the name of previous", text.replace(
          '"previous"', '"\\u0070revious"',
        )),
        refused("an escape in the hash of previous", text.replace(
          `"previous":"${previous[0]}`, `"previous":"\\u00${hex(Buffer.from(previous[0]))}`,
        )),
        refused("a member behind all", `${text.slice(0, -1)},"more":1}`),
        refused("previous as the first member", JSON.stringify({ previous, ...value })),
      ];
    }),
    goodAs("por")("with previous, by mail alone", { ...chained.por, checkedBy: ["mail"] }),
    goodAs("poi")("with previous, by mail alone", mail),
    por("previous before checkedBy", JSON.stringify({ ...asked, previous, checkedBy: ways })),
    poi("previous before checkedBy", JSON.stringify(early)),
    poi("previous behind phoneSalt", JSON.stringify({
      ...start, checkedBy, phoneSalt, previous, phoneHash: ofPhone,
    })),
    poi("previous behind phoneHash", JSON.stringify({ ...PROOFS.poi, previous })),
    poi("previous, and sms without a phone", JSON.stringify({ ...mail, checkedBy: BOTH })),
    poi("previous, and a salt alone", JSON.stringify({ ...mail, phoneSalt })),
    ...Object.entries(elsewhere).map(([kind, value]) =>
      refusedAs(kind)("with previous", JSON.stringify({ ...value, previous }))),
  ];
}
