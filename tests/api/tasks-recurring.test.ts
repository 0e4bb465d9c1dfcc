import { expect, test } from "bun:test";
import { eventsOf, rebuilt } from "../support/accounts";
import { inWorld, type World } from "../support/scenario";

const due = "2026-05-04T09:00:00.000Z";
const weekly = {
  ...{ title: "Report", description: "All of it", priority: "high", due_date: due, external_id: "R-1" },
  ...{ remind_at: "2026-05-03T08:00:00.000Z", recurrence: "FREQ=WEEKLY;BYDAY=MO", client_id: "$acme" },
};

const setting = {
  clients: { acme: {} },
  tasks: {
    report: { ...weekly, assigned_to: "$minh" },
    last: { due_date: due, recurrence: "FREQ=DAILY;COUNT=1" },
  },
};

const tasksOf = async (world: World) =>
  (await world.send("lan", "GET", "/api/tasks?sort=due_date&filter[title]=report")).json.data;

inWorld("a task that comes back", setting, (world) => {
  test("makes its next one when it is done, which goes on with the rule", async () => {
    const answer = await world().send("minh", "POST", "/api/tasks/$report/complete");
    expect(answer.json).toMatchObject({ status: "done", due_date: due, recurrence: null });
    const [done, next, ...others] = await tasksOf(world());
    expect(others).toEqual([]);
    expect(done.id).toBe(world().ids.report);
    expect(next).toMatchObject({
      ...{ title: "Report", description: "All of it", priority: "high", status: "todo", external_id: null },
      ...{ assigned_to: world().ids.minh, client_id: world().ids.acme, created_by: world().ids.lan },
      ...{ due_date: "2026-05-11T09:00:00.000Z", remind_at: "2026-05-10T08:00:00.000Z", completed_at: null },
      ...{ recurrence: weekly.recurrence, version: 1 },
    });
    const [updated, created, ...more] = await eventsOf(world(), answer);
    expect(more).toEqual([]);
    expect([updated!.type, created!.type]).toEqual(["task.updated", "task.created"]);
    expect(rebuilt(created!)).toEqual(next);
    expect(created!.actor_id).toBe(world().ids.minh!);
  });

  test("makes one, however often and by how many it is completed, and none when it is reopened", async () => {
    const bys = ["lan", "minh", "admin", "manager"] as const;
    await Promise.all(bys.map((by) => world().send(by, "POST", "/api/tasks/$report/complete")));
    expect(await tasksOf(world())).toHaveLength(2);
    for (const status of ["todo", "done"])
      await world().send("lan", "PATCH", "/api/tasks/$report", { body: { status } });
    expect(await tasksOf(world())).toHaveLength(2);
  });

  test("makes what was changed with its completion", async () => {
    const body = { status: "done", description: "Less", recurrence: "FREQ=MONTHLY;COUNT=2", remind_at: null };
    await world().send("lan", "PATCH", "/api/tasks/$report", { body });
    const [, next] = await tasksOf(world());
    expect(next).toMatchObject({
      description: "Less",
      due_date: "2026-06-04T09:00:00.000Z",
      remind_at: null,
    });
    expect(next.recurrence).toBe("FREQ=MONTHLY;COUNT=1");
    await world().send("lan", "POST", `/api/tasks/${next.id}/complete`);
    expect(await tasksOf(world())).toHaveLength(2);
  });

  test("makes none when it was the last, is cancelled, deleted, or made as done", async () => {
    const { json } = await world().send("lan", "POST", "/api/tasks/$last/complete");
    expect(json).toMatchObject({ status: "done", recurrence: "FREQ=DAILY;COUNT=1" });
    await world().send("lan", "PATCH", "/api/tasks/$report", { body: { status: "cancelled" } });
    await world().send("lan", "DELETE", "/api/tasks/$report");
    const { external_id: _, ...imported } = weekly;
    await world().send("lan", "POST", "/api/tasks", { body: { ...imported, status: "done" } });
    const { json: all } = await world().send("lan", "GET", "/api/tasks?deleted=with");
    expect(all.data).toHaveLength(3);
  });

  test("keeps its hour where its maker lives", async () => {
    await world().send("lan", "PATCH", "/api/users/me", { body: { time_zone: "Europe/Berlin" } });
    const body = { title: "Report", due_date: "2026-10-19T07:00:00Z", recurrence: "FREQ=WEEKLY" };
    const { json } = await world().send("lan", "POST", "/api/tasks", { body });
    await world().send("lan", "POST", `/api/tasks/${json.id}/complete`);
    expect((await tasksOf(world())).at(-1).due_date).toBe("2026-10-26T08:00:00.000Z");
    await world().send("lan", "PATCH", "/api/users/me", { body: { time_zone: "UTC" } });
  });

  test("is done for good where calendars, or the years on the wire, end before it comes true again", async () => {
    for (const recurrence of [
      "FREQ=DAILY;INTERVAL=99999999",
      "FREQ=MONTHLY;INTERVAL=999999999",
      "FREQ=YEARLY;INTERVAL=9000",
    ]) {
      const body = { title: "Seldom", due_date: due, recurrence };
      const { json } = await world().send("lan", "POST", "/api/tasks", { body });
      const done = await world().send("lan", "POST", `/api/tasks/${json.id}/complete`);
      expect(done).toMatchObject({ status: 200, json: { status: "done", recurrence } });
    }
    const last = { due_date: "9999-11-01T09:00:00Z", remind_at: "9999-12-31T09:00:00Z" };
    const body = { title: "Report", ...last, recurrence: "FREQ=MONTHLY" };
    const { json } = await world().send("lan", "POST", "/api/tasks", { body });
    await world().send("lan", "POST", `/api/tasks/${json.id}/complete`);
    expect((await tasksOf(world())).at(-1)).toMatchObject({
      due_date: "9999-12-01T09:00:00.000Z",
      remind_at: null,
    });
  });
});
