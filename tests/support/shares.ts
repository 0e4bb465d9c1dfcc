import { TokenParams } from "../../src/features/shares/schema";
import type { Answer, By, SendOptions, World } from "./scenario";

/** A link as the answer to its making has it. */
export interface MadeShare {
  id: string;
  token: string;
  url: string;
  expires_at: string | null;
}

/** Makes a link to a file, by the name of the file. */
export async function share(world: World, by: By, file: string, body: object): Promise<MadeShare> {
  const answer = await world.send(by, "POST", `/api/files/$${file}/share`, { body });
  if (answer.status !== 201) throw new Error(`sharing ${file}: ${answer.text}`);
  return answer.json;
}

/** Goes where a link leads, as nobody. @param path what comes after the link, such as `/download` */
export const visit = (
  world: World,
  { token }: Pick<MadeShare, "token">,
  path = "",
  { method = "GET", ...options }: SendOptions & { method?: string } = {},
): Promise<Answer> => world.send("nobody", method, `/s/${token}${path}`, options);

/** The only form of a token that is looked for. */
export const fileTokenPattern = new RegExp(TokenParams.properties.token.pattern!);
