/**
 * Writes the 10,000 commonest passwords, commonest first, one a line, for the check at registration.
 * Source: the ranked list of @zxcvbn-ts/language-common (MIT). Run it again after raising that package.
 */
import { dictionary } from "@zxcvbn-ts/language-common";

const target = new URL("../src/features/auth/common-passwords.txt", import.meta.url);
const commonest = dictionary["passwords-common"].slice(0, 10_000);
await Bun.write(target, commonest.join("\n") + "\n");
