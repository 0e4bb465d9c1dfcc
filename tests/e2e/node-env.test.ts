import { expect, setDefaultTimeout, test } from "bun:test";
import { startBinary } from "../support/binary";

setDefaultTimeout(60_000);

test("NODE_ENV changes nothing: a value with its own toString is refused like any other", async () => {
  const server = await startBinary({ env: { NODE_ENV: "development" } });
  try {
    const { status } = await fetch(`${server.url}/api/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"email": {"toString": "x"}, "password": {"valueOf": 1}}',
    });
    expect(status).toBe(422);
  } finally {
    await server.stop();
  }
});
