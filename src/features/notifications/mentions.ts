import { normalEmail } from "../../text";

/** Beyond this it is no mention but a mailing. */
const mostMentions = 50;
const mention = /(?<![\w.@])@([^\s@<>(),;:"[\]]+@[^\s@<>(),;:"[\]]+)/gu;

/** The addresses that a text mentions, as `@lan@example.com`, in the form in which they are unique, each once. */
export function mentionsIn(text: string): string[] {
  const found = [...text.matchAll(mention)].map(([, address]) =>
    normalEmail(address!.replace(/[.!?'’]+$/, "")),
  );
  return [...new Set(found)].slice(0, mostMentions);
}
