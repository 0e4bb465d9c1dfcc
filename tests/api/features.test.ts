import { expect, test } from "bun:test";
import { features } from "../../src/config/features";
import { notify } from "../../src/features/notifications/notify";
import { oneFile } from "../support/files";
import { mailsTo } from "../support/mail";
import { inWorld, type World } from "../support/scenario";

const switched = async ({ send }: World, feature: string, value: boolean | null) =>
  send("admin", "PATCH", `/api/admin/settings/features.${feature}`, {
    body: { value },
    headers: { "if-match": "*" },
  });

const off = (feature: string) => ({ status: 403, json: { code: "feature_disabled", feature } });

inWorld("a feature that an admin switches off", { clients: { acme: {} } }, (world) => {
  const announced = async () => (await world().send("nobody", "GET", "/api")).json.features;

  test("is announced to everybody, with whether one may register", async () => {
    expect(await announced()).toEqual({
      ...Object.fromEntries(features.map((feature) => [feature, true])),
      registration: false,
    });
    await switched(world(), "exports", false);
    expect(await announced()).toMatchObject({ exports: false, uploads: true });
    await switched(world(), "exports", null);
    expect(await announced()).toMatchObject({ exports: true });
  });

  test("is refused by name at once, and there again at once", async () => {
    const { send } = world();
    const upload = () => send("lan", "POST", "/api/files/upload", oneFile("a.txt", "a text"));
    const many = () => send("lan", "POST", "/api/files/batch-upload", oneFile("a.txt", "a text"));
    const kept = await upload();
    expect(kept.status).toBe(201);
    expect((await switched(world(), "uploads", false)).status).toBe(200);
    expect(await upload()).toMatchObject(off("uploads"));
    expect(await many()).toMatchObject(off("uploads"));
    expect((await upload()).json.detail).toBe("The admins of this server have switched uploads off.");
    // What is there can be read.
    expect((await send("lan", "GET", `/api/files/${kept.json.id}/download`)).status).toBe(200);
    await switched(world(), "uploads", null);
    expect((await upload()).status).toBe(201);
  });

  test("is refused for exports of every kind, also to an admin; lists are not", async () => {
    const { send } = world();
    await switched(world(), "exports", false);
    for (const name of ["clients", "tasks", "activities"]) {
      for (const by of ["lan", "admin"] as const) {
        expect(await send(by, "GET", `/api/export/${name}`)).toMatchObject(off("exports"));
        expect((await send(by, "GET", `/api/${name}`)).status).toBe(200);
      }
    }
    // Nobody hears of it before they are known.
    expect((await send("nobody", "GET", "/api/export/clients")).json.code).toBe("unauthenticated");
    await switched(world(), "exports", null);
    expect((await send("lan", "GET", "/api/export/clients")).status).toBe(200);
  });

  test("is refused for imports, in either form", async () => {
    const { send } = world();
    const csv = { raw: new TextEncoder().encode("Name\nAda\n"), headers: { "content-type": "text/csv" } };
    await switched(world(), "imports", false);
    expect(await send("lan", "POST", "/api/bulk/clients", csv)).toMatchObject(off("imports"));
    expect(await send("lan", "POST", "/api/bulk/tasks", oneFile("t.csv", "Title\nCall\n"))).toMatchObject(
      off("imports"),
    );
    expect((await send("nobody", "POST", "/api/bulk/clients", csv)).status).toBe(401);
    await switched(world(), "imports", null);
    expect((await send("lan", "POST", "/api/bulk/clients", csv)).status).toBe(202);
  });

  test("takes links to files with it, and brings them back; they can be ended meanwhile", async () => {
    const { send } = world();
    const file = (await send("lan", "POST", "/api/files/upload", oneFile("a.txt", "shared"))).json
      .id as string;
    const share = () => send("lan", "POST", `/api/files/${file}/share`, { body: {} });
    const { id, token } = (await share()).json as { id: string; token: string };
    const lasting = (await share()).json.token as string;
    const open = (which: string) => send("nobody", "GET", `/s/${which}/download`);
    await switched(world(), "shares", false);
    expect(await share()).toMatchObject(off("shares"));
    expect(await open(token)).toMatchObject(off("shares"));
    expect(await send("nobody", "GET", `/s/${token}`)).toMatchObject(off("shares"));
    expect((await send("lan", "GET", `/api/files/${file}/share`)).json.data).toHaveLength(2);
    expect((await send("lan", "DELETE", `/api/files/${file}/share/${id}`)).status).toBe(204);
    await switched(world(), "shares", null);
    expect((await open(lasting)).status).toBe(200);
    expect((await open(token)).json.code).toBe("share_ended");
  });

  test("as mails about what happens: people see it in their list, and mails about their account come", async () => {
    const { server, people, send } = world();
    const tell = (type: "mention" | "security", title: string) =>
      server.parts.store.tx((session) =>
        notify(session, {
          userId: people.minh.id,
          actorId: people.lan.id,
          type,
          title,
          message: "So.",
          link: null,
        }),
      );
    await switched(world(), "notification_mails", false);
    await tell("mention", "Switched off");
    await tell("security", "Somebody signed in");
    await send("nobody", "POST", "/api/auth/password/forgot", { body: { email: people.minh.email } });
    const subjects = (await mailsTo(server, people.minh.email)).map(({ subject }) => subject);
    expect(subjects).toHaveLength(2);
    expect(subjects).toContain("Somebody signed in");
    const { json } = await send("minh", "GET", "/api/notifications");
    expect(json.data.map(({ title }: { title: string }) => title)).toContain("Switched off");
    await switched(world(), "notification_mails", null);
    await tell("mention", "Switched on");
    expect((await mailsTo(server, people.minh.email)).map(({ subject }) => subject)).toContain("Switched on");
  });

  test("is an admin's to switch, and nobody else's", async () => {
    const { send } = world();
    for (const by of ["lan", "manager"] as const) {
      const path = "/api/admin/settings/features.exports";
      expect((await send(by, "PATCH", path, { body: { value: false } })).status).toBe(403);
    }
    const path = "/api/admin/settings/features.exports";
    expect((await send("admin", "PATCH", path, { body: { value: "off" } })).json).toMatchObject({
      code: "validation_failed",
      errors: [{ field: "value", message: "must be true or false" }],
    });
  });
});
