import { normalEmail } from "../../text";

/** Beyond this it is no mention but a mailing. */
const mostMentions = 50;
/** The host name ends where no host name goes on: at a quote, a dash or the marks of Markdown. */
const mention = /(?<![\p{L}\p{N}.@])@([^\s@<>(),;:"[\]]+@[\p{L}\p{M}\p{N}._-]+)/gu;
/** What ends a sentence or its emphasis, and not the address before it. */
const closing = "._-";

/** The addresses that a text mentions, as `@lan@example.com`, in the form in which they are unique, each once. */
export function mentionsIn(text: string): string[] {
  const found = [...text.matchAll(mention)].map(([, address]) => normalEmail(withoutClosing(address!)));
  return [...new Set(found)].slice(0, mostMentions);
}

/** By hand: a pattern that ends with `+$` begins anew at each of ten thousand dots, and nobody is answered meanwhile. */
function withoutClosing(address: string): string {
  let end = address.length;
  while (end > 0 && closing.includes(address[end - 1]!)) end--;
  return address.slice(0, end);
}
