import { login, type Case } from "./cases";
import { signIn, type Contender } from "./contenders";
import { burst, type Load } from "./load";
import { below, median, printTable, type Target } from "./table";
import { syncDisk, type Rounds } from "./compare";

const loginClients = 50;
const readers = 20;

/** Reads beside clients that sign in without a pause: hashing passwords must not hold the others up. */
export async function readsDuringLogins(
  server: Contender,
  read: Case,
  shared: Pick<Load, "idsFile" | "users">,
  { rounds, seconds }: Rounds,
): Promise<Target> {
  const load = { ...shared, tokens: server.tokens, seconds };
  const reads = () => burst(server, { ...load, ...read, connections: readers });
  const logins = () => burst(server, { ...load, ...login(), connections: loginClients });
  const [alone, beside, loginRates]: [number[], number[], number[]] = [[], [], []];
  let refused = 0;
  await syncDisk();
  for (let round = 0; round < rounds; round++) {
    // What a burst left unanswered is still hashed, one after the other; this one is answered after all of them.
    await signIn(server, 0);
    alone.push((await reads()).p99);
    const [busy, signedIn] = await Promise.all([reads(), logins()]);
    beside.push(busy.p99);
    loginRates.push(signedIn.requestsPerSecond);
    refused += signedIn.errors;
  }
  printTable(
    `Reads (${read.name}, ${readers} connections) while ${loginClients} clients sign in:`,
    ["p99 alone, ms", "p99 beside logins, ms", "logins/s", "logins refused"],
    [[median(alone).toFixed(1), median(beside).toFixed(1), median(loginRates).toFixed(0), refused]],
  );
  return below("reads while 50 clients sign in, p99", 15, median(beside), "ms");
}
