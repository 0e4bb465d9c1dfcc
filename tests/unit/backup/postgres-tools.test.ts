/** What PostgreSQL's programs are told, and that nothing of it stands among their arguments. */
import { expect, test } from "bun:test";
import { connectionOf } from "../../../src/backup/postgres-tools";

test("a URL becomes their environment", () => {
  expect(
    connectionOf("postgres://lan:p%40ss%2Fword@db.example.com:6432/crm%20live?sslmode=verify-full"),
  ).toEqual({
    PGHOST: "db.example.com",
    PGPORT: "6432",
    PGUSER: "lan",
    PGPASSWORD: "p@ss/word",
    PGDATABASE: "crm live",
    PGSSLMODE: "verify-full",
  });
});

test("what a URL does not say is left to them", () => {
  expect(connectionOf("postgresql://[::1]/crm")).toEqual({ PGHOST: "::1", PGDATABASE: "crm" });
  expect(connectionOf("postgres:///crm?host=/run/postgresql&user=crm&unknown=x")).toEqual({
    PGHOST: "/run/postgresql",
    PGUSER: "crm",
    PGDATABASE: "crm",
  });
});
