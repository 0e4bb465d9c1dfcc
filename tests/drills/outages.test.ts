import { expect, test } from "bun:test";
import {
  clockDrill,
  damageDrill,
  fullDiskDrill,
  lostBytesDrill,
  postgresDrill,
  readOnlyDrill,
} from "./outages";

test("a full disk refuses writes by name and loses none; with room again they go on by themselves", async () => {
  const { acknowledged, ...result } = await fullDiskDrill();
  expect(result).toEqual({ refused: [507], read: 200, health: "down", lost: [] });
  expect(acknowledged).toBeGreaterThan(200);
}, 120_000);

test("so does a disk that takes no writes any more", async () => {
  const { acknowledged, refused, ...result } = await readOnlyDrill();
  // 503 where a commit waited for the disk when it broke: until that is sure, so is nothing that is asked for by its key.
  expect(refused.filter((status) => status !== 507 && status !== 503)).toEqual([]);
  expect(result).toEqual({ read: 200, health: "ok", lost: [] });
  expect(acknowledged).toBeGreaterThan(200);
}, 120_000);

test("PostgreSQL crashes and comes back: 503 meanwhile, nothing acknowledged is lost", async () => {
  const { acknowledged, refused, ...result } = await postgresDrill();
  expect(result).toEqual({ read: 503, health: "down", lost: [] });
  expect(refused.filter((status) => status !== 503)).toEqual([]);
  expect(acknowledged).toBeGreaterThan(200);
}, 120_000);

test("a damaged page costs the records on it; everything else goes on, and health and log say so", async () => {
  const { reads, changes, additions, health, isLogged } = await damageDrill();
  const { 200: whole = 0, 500: damaged = 0 } = reads;
  expect(whole + damaged).toBe(400);
  expect(damaged).toBeWithin(1, 50);
  expect(changes).toEqual({ 200: whole, 500: damaged });
  expect(additions).toEqual({ 201: 20 });
  expect([health, isLogged]).toEqual(["degraded", true]);
}, 120_000);

test("bytes of a file that are gone cost that file, are named, and are back once they are uploaded again", async () => {
  const { acknowledged, ...result } = await lostBytesDrill();
  expect(result).toEqual({
    ...{ gone: 500, other: 200, backup: 1, health: "ok", isLogged: true },
    ...{ back: [200, 200], lost: [] },
  });
  expect(acknowledged).toBeGreaterThanOrEqual(100);
}, 120_000);

test("a clock that is set an hour ahead and a day back ends no more than tokens, which are signed in for again", async () => {
  const { acknowledged, ...result } = await clockDrill();
  expect(result).toEqual({
    ahead: [401, 401],
    back: [200, 201],
    signedInAhead: [200, 201],
    signedInBack: [200, 201],
    order: ["Before", "Ahead", "With the token from ahead, back", "Back"],
    lost: [],
    readyThroughout: true,
  });
  expect(acknowledged).toBeGreaterThanOrEqual(100);
}, 120_000);
