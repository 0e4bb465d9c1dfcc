import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { day, now } from "../../src/clock";
import { record } from "../../src/events/record";
import type { EventType } from "../../src/events/types";
import { Notifier } from "../../src/features/notifications/consumer";
import type { NotificationType } from "../../src/features/notifications/types";
import { newId } from "../../src/ids";
import { systemActor } from "../../src/policy";
import { newPerson, signInAs } from "../support/accounts";
import { upload } from "../support/files";
import { told } from "../support/notifier";
import type { Name } from "../support/people";
import { share, visit } from "../support/shares";
import { inWorld, type By, type World } from "../support/scenario";

/** Nobody has been told anything; what is given is told, and forgotten. */
async function given(world: World): Promise<void> {
  await told(world);
  await world.server.parts.store.tx(async ({ q, t }) => {
    await q.delete(t.notifications);
    await q.delete(t.jobs);
  });
}

/** What somebody was told, as `[type, title, message]`. */
async function toldTo(world: World, who: string): Promise<[NotificationType, string, string][]> {
  const { q, t } = world.server.parts.store.read;
  const own = eq(t.notifications.user_id, world.ids[who]!);
  const rows = await q.select().from(t.notifications).where(own).orderBy(t.notifications.number);
  return rows.map(({ type, title, message }) => [type as NotificationType, title, message]);
}

/** The same without the messages. */
const titlesTo = async (world: World, who: string) =>
  (await toldTo(world, who)).map(([type, title]) => [type, title]);

/** Does something, lets it be told, and gives whom the bell was rung for. */
async function done(
  world: World,
  by: By,
  method: string,
  path: string,
  body: object = {},
): Promise<string[]> {
  const { status, text } = await world.send(by, method, path, { body });
  expect([status < 300, text]).toEqual([true, text]);
  return told(world);
}

const setting = {
  given,
  // Else events without a number would be put back before each test, and waited for.
  once: told,
  tasks: { call: { assigned_to: "$minh" }, mine: {} },
  clients: { acme: { assigned_to: "$minh" } },
};

inWorld("files", setting, (world) => {
  test("that are shared are told to who uploaded them and who has what they belong to, as far as they see them", async () => {
    await upload(world(), "lan", "offer.txt", "x", { client_id: "$acme" });
    await upload(world(), "lan", "plan.txt", "x", { task_id: "$call" });
    await done(world(), "manager", "POST", "/api/files/$offer/share");
    await done(world(), "manager", "POST", "/api/files/$plan/share");
    const shared = (name: string) => ["file_shared", `Shared: ${name}`, says];
    const says = "Test manager made a link to it for people outside.";
    const both = [shared("offer.txt"), shared("plan.txt")] as never;
    for (const who of ["lan", "minh"]) expect(await toldTo(world(), who)).toEqual(both);
    const { json } = await world().send("lan", "GET", "/api/notifications");
    expect(json.data[0].link).toBe(`/files/${world().ids["plan"]}`);
    expect(await toldTo(world(), "manager")).toEqual([]);
    // Who shares a file of theirs knows; who comes to it by a link is told to nobody.
    const link = await share(world(), "minh", "plan", {});
    await visit(world(), link);
    await told(world());
    expect(await titlesTo(world(), "minh")).toHaveLength(2);
    expect(await titlesTo(world(), "lan")).toHaveLength(3);
  });
});

inWorld("tasks", setting, (world) => {
  test("that are given to somebody are told to them, with the way there", async () => {
    const rung = await done(world(), "lan", "POST", "/api/tasks", { title: "Write", assigned_to: "$minh" });
    expect(await toldTo(world(), "minh")).toEqual([
      ["task_assigned", "A task for you: Write", "Test lan assigned it to you."],
    ]);
    expect(new Set(rung)).toEqual(new Set([world().ids.minh!]));
    const { json } = await world().send("minh", "GET", "/api/notifications");
    const task = (await world().send("minh", "GET", "/api/tasks")).json.data[0];
    expect(json.data[0].link).toBe(`/tasks/${task.id}`);
    expect(await toldTo(world(), "lan")).toEqual([]);
  });

  test("that somebody gives to themselves are no news", async () => {
    await done(world(), "lan", "POST", "/api/tasks", { title: "Own", assigned_to: "$lan" });
    await done(world(), "lan", "PATCH", "/api/tasks/$mine", { assigned_to: "$lan" });
    expect(await toldTo(world(), "lan")).toEqual([]);
  });

  test("that change hands are told to both; who no longer sees one learns nothing about it", async () => {
    await done(world(), "lan", "PATCH", "/api/tasks/$call", {
      title: "A secret by now",
      assigned_to: "$stranger",
    });
    expect(await titlesTo(world(), "stranger")).toEqual([
      ["task_assigned", "A task for you: A secret by now"],
    ]);
    expect(await toldTo(world(), "minh")).toEqual([
      ["task_unassigned", "A task is no longer yours", "Test lan assigned it to somebody else."],
    ]);
    await done(world(), "admin", "POST", "/api/tasks", { title: "Report", assigned_to: "$manager" });
    const { json } = await world().send("manager", "GET", "/api/tasks?filter[title]=report");
    await done(world(), "admin", "PATCH", `/api/tasks/${json.data[0].id}`, { assigned_to: null });
    expect((await toldTo(world(), "manager")).at(-1)).toEqual([
      ...["task_unassigned", "No longer your task: Report", "Test admin assigned it to nobody."],
    ] as never);
  });

  test("that are done are told to who made and who had them, unless they did it", async () => {
    await done(world(), "minh", "POST", "/api/tasks/$call/complete");
    expect(await toldTo(world(), "lan")).toEqual([
      ["task_completed", "Done: call", "Test minh completed it."],
    ]);
    expect(await toldTo(world(), "minh")).toEqual([]);
    await done(world(), "minh", "POST", "/api/tasks/$call/complete");
    await done(world(), "lan", "PATCH", "/api/tasks/$call", { status: "todo" });
    await done(world(), "admin", "POST", "/api/tasks/$call/complete");
    expect((await toldTo(world(), "lan")).map(([, , message]) => message)).toEqual([
      ...["Test minh completed it.", "Test admin completed it."],
    ]);
    expect(await toldTo(world(), "minh")).toHaveLength(1);
  });

  test("that are deleted before it could be told are told to nobody", async () => {
    await world().send("lan", "PATCH", "/api/tasks/$mine", { body: { assigned_to: "$stranger" } });
    await done(world(), "lan", "DELETE", "/api/tasks/$mine");
    expect(await toldTo(world(), "stranger")).toEqual([]);
  });

  test("that go to others when somebody leaves are told to these", async () => {
    const { id } = await newPerson(world(), "leaver");
    await done(world(), "admin", "POST", "/api/tasks", { title: "Left behind", assigned_to: id });
    await done(world(), "admin", "DELETE", `/api/admin/users/${id}?reassign_to=$stranger`);
    expect(await titlesTo(world(), "stranger")).toEqual([["task_assigned", "A task for you: Left behind"]]);
    expect((await toldTo(world(), "leaver")).map(([type]) => type)).toEqual(["task_assigned"]);
  });
});

inWorld("clients", setting, (world) => {
  test("that are given to somebody are told to them, and to who had them", async () => {
    await done(world(), "lan", "POST", "/api/clients", { name: "Bolt", assigned_to: "$stranger" });
    await done(world(), "lan", "PATCH", "/api/clients/$acme", { assigned_to: "$stranger" });
    expect(await toldTo(world(), "stranger")).toEqual([
      ["client_assigned", "A client for you: Bolt", "Test lan assigned it to you."],
      ["client_assigned", "A client for you: acme", "Test lan assigned it to you."],
    ]);
    expect(await toldTo(world(), "minh")).toEqual([
      ["client_changed", "No longer your client: acme", "Test lan assigned it to somebody else."],
    ]);
  });

  test("that are given away are told with their names to nobody who does not see them any more", async () => {
    const only = (value: string | null) =>
      world().send("admin", "PATCH", "/api/admin/settings/visibility.clients", { body: { value } });
    await only("own");
    try {
      await done(world(), "lan", "PATCH", "/api/clients/$acme", { assigned_to: null });
      expect(await toldTo(world(), "minh")).toEqual([
        ["client_changed", "A client is no longer yours", "Test lan assigned it to nobody."],
      ]);
      await done(world(), "lan", "PATCH", "/api/clients/$acme", { assigned_to: "$minh" });
      await done(world(), "minh", "PATCH", "/api/clients/$acme", { assigned_to: null });
      expect((await toldTo(world(), "minh")).slice(1)).toEqual([
        ["client_assigned", "A client for you: acme", "Test lan assigned it to you."],
      ]);
    } finally {
      await only(null);
    }
  });

  test("that others change are told to who has them, once in a minute", async () => {
    for (const notes of ["a", "b", "c"]) await done(world(), "lan", "PATCH", "/api/clients/$acme", { notes });
    await done(world(), "minh", "PATCH", "/api/clients/$acme", { notes: "d" });
    await done(world(), "manager", "PATCH", "/api/clients/$acme", { notes: "e" });
    expect(await toldTo(world(), "minh")).toEqual([
      ["client_changed", "Changed: acme", "Test lan changed it."],
      ["client_changed", "Changed: acme", "Test manager changed it."],
    ]);
  });

  test("that others change are told anew once a clock that was ahead has been set right", async () => {
    await done(world(), "lan", "PATCH", "/api/clients/$acme", { notes: "f" });
    await world().server.parts.store.tx(({ q, t }) =>
      q.update(t.notifications).set({ created_at: now() + day }),
    );
    for (const notes of ["g", "h"]) await done(world(), "lan", "PATCH", "/api/clients/$acme", { notes });
    const told = ["client_changed", "Changed: acme"];
    expect(await titlesTo(world(), "minh")).toEqual([told, told]);
  });

  /** A note, as it is recorded when somebody logs one. */
  const note = async (by: Name, text: string) => {
    const { server, ids, people } = world();
    const actor = { ...systemActor("a-test-of-notes"), kind: "user" as const, userId: people[by].id };
    const made = { id: ids.acme!, version: 1, text };
    await server.parts.store.tx((session) => record(session, actor, "client.note", null, made));
    await told(world());
  };

  test("are told to those whom a note mentions, once each", async () => {
    await note(
      "lan",
      "Ask @minh@cast.example, (@MINH@cast.example) or @manager@cast.example. Not @off@cast.example!",
    );
    const mention = ["mention", "Test lan mentioned you: acme"];
    expect(await titlesTo(world(), "minh")).toEqual([mention]);
    expect(await titlesTo(world(), "manager")).toEqual([mention]);
    expect(await toldTo(world(), "off")).toEqual([]);
    expect(await toldTo(world(), "lan")).toEqual([]);
    await note(
      "lan",
      "Nobody: minh@cast.example, @nobody@cast.example, @minh, lan@@cast.example, @lan@cast.example",
    );
    expect(await toldTo(world(), "minh")).toHaveLength(1);
    expect(await toldTo(world(), "lan")).toEqual([]);
  });

  test("are told with the beginning of a long note, cut between two signs", async () => {
    const start = "@minh@cast.example ".padEnd(299, ".");
    await note("lan", `${start}👋 and more`);
    expect((await toldTo(world(), "minh")).map(([, , message]) => message)).toEqual([`${start}…`]);
  });

  test("are told to those whom a call or a meeting mentions", async () => {
    for (const action of ["call", "meeting"]) {
      const body = { client_id: "$acme", action, text: `A ${action}, with @minh@cast.example` };
      await done(world(), "lan", "POST", "/api/activities", body);
    }
    expect((await toldTo(world(), "minh")).map(([type, , message]) => [type, message])).toEqual([
      ["mention", "A call, with @minh@cast.example"],
      ["mention", "A meeting, with @minh@cast.example"],
    ]);
  });

  test("are told to nobody who may not see them", async () => {
    const only = (value: string | null) =>
      world().send("admin", "PATCH", "/api/admin/settings/visibility.clients", { body: { value } });
    await only("own");
    try {
      await note("lan", "The margin. @stranger@cast.example @minh@cast.example");
      expect(await toldTo(world(), "stranger")).toEqual([]);
      expect(await toldTo(world(), "minh")).toHaveLength(1);
    } finally {
      await only(null);
    }
  });
});

inWorld("the security of an account", setting, (world) => {
  test("is told when its password changes, whoever changed it, and by mail whatever is chosen", async () => {
    const { id } = await newPerson(world(), "rita");
    const body = { type: "security", mail: true };
    await world().send({ token: "$rita_token" }, "POST", "/api/notifications/preferences", { body });
    await world().server.parts.passwords.set(systemActor("a-test-of-passwords"), id, "an entirely new one");
    await told(world());
    expect(await titlesTo(world(), "rita")).toEqual([["security", "Your password was changed"]]);
    const { q, t } = world().server.parts.store.read;
    const mails = (await q.select().from(t.jobs)).filter(({ kind }) => kind === "mail");
    expect(mails.map(({ payload }) => payload)).toMatchObject([{ template: "security", to: { userId: id } }]);
  });

  test("is told when somebody signs in with a program that is new", async () => {
    const browser = (version: string) => `Mozilla/${version} (X11; Linux) Firefox/${version}`;
    const signIn = async (agent: string) => {
      const headers = { "user-agent": agent };
      await signInAs(world(), "rita", world().ids.rita_mail!, headers);
      await told(world());
      return (await toldTo(world(), "rita")).length;
    };
    await newPerson(world(), "rita");
    await told(world());
    expect(await toldTo(world(), "rita")).toEqual([]);
    expect(await signIn(browser("149.0"))).toBe(1);
    expect(await signIn(browser("150.0.1"))).toBe(1);
    expect(await signIn("curl/8.5.0")).toBe(2);
    expect(await signIn(browser("151"))).toBe(2);
    const [, [type, title, message] = []] = await toldTo(world(), "rita");
    expect([type, title]).toEqual(["security", "Signed in from a new device"]);
    expect(message).toBe("curl/8.5.0, at 127.0.0.1. If it was not you, change your password.");
  });
});

inWorld("the reader of events", setting, (world) => {
  test("tells nothing that is taken back, and nothing that is old", async () => {
    const { store, clients, tasks, files } = world().server.parts;
    await done(world(), "lan", "POST", "/api/tasks", { title: "Once", assigned_to: "$minh" });
    expect(await toldTo(world(), "minh")).toHaveLength(1);
    await given(world());
    const rung: string[] = [];
    const notifier = new Notifier({ clients, tasks, files }, (userId) => rung.push(userId));
    const [event] = (await world().events()).slice(-1);
    const attempt = store.tx(async (session) => {
      await notifier.take(session, [{ ...event!, seq: 1 }]);
      throw new Error("the server died");
    });
    expect((await Promise.allSettled([attempt]))[0]!.status).toBe("rejected");
    const old = { ...event!, seq: 1, created_at: now() - 8 * day };
    await store.tx((session) => notifier.take(session, [old]));
    notifier.taken();
    expect(await toldTo(world(), "minh")).toEqual([]);
    for (let i = 0; i < 2; i++) await store.tx((session) => notifier.take(session, [{ ...event!, seq: 1 }]));
    notifier.taken();
    expect(await toldTo(world(), "minh")).toHaveLength(1);
    expect(rung).toEqual([]);
  });

  test("passes over what it does not know, and records that are gone", async () => {
    const made = {
      id: newId(),
      version: 1,
      status: "done",
      assigned_to: world().ids.minh!,
      text: "@x@y.example",
    };
    const system = systemActor("a-test-of-events");
    await world().server.parts.store.tx(async (session) => {
      for (const type of ["task.updated", "client.updated", "client.note", "task.toString", "client.merged"])
        // As a later version may have written.
        await record(session, system, type as EventType, null, made);
    });
    expect(await told(world())).toEqual([]);
  });
});
