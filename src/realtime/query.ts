import { Type } from "@sinclair/typebox";
import { Refusal } from "../errors";
import type { Parameters } from "../http/parameters";

const afterDescription =
  "the number (`id`) of the last notification that was seen: what came after it is sent";

/** What the address of a socket or stream may have. */
export const StreamQuery = Type.Object({
  ticket: Type.String({ description: "a ticket, where no Authorization header can be sent" }),
  after: Type.String({ pattern: "^\\d{1,15}$", code: "invalid_integer", description: afterDescription }),
});

/** The number after which somebody wants everything; `null` when they start now. */
export const afterOf = ({ after }: Parameters): number | null => (after === undefined ? null : Number(after));

/** The same, as a browser says it that connects again. @throws Refusal when it is no number */
export function lastEventId(header: string | null): number | null {
  if (header === null || header === "") return null;
  if (/^\d{1,15}$/.test(header)) return Number(header);
  const message = "is not a number that the stream gave";
  throw new Refusal("malformed", "invalid_integer", `Last-Event-ID: ${message}`, {
    errors: [{ field: "Last-Event-ID", code: "invalid_integer", message }],
  });
}
