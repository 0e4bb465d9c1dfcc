/** Lists and counts of tasks over HTTP: what they have besides what every list has. */
import { expect } from "bun:test";
import { hour } from "../../src/clock";
import { showing } from "../support/lists";
import { scenarios, type Scenario, type Setting } from "../support/scenario";

const at = (hours: number) => new Date(Date.now() + hours * hour).toISOString();
/** Noon today, in the time zone of everybody of the cast. */
const noon = new Date(new Date().setUTCHours(12, 0, 0, 0)).toISOString();

const clients = { acme: {}, beta: {} };
const tasks: Setting["tasks"] = {
  ash: { title: "Ash", priority: "low", due_date: at(-100), client_id: "$acme" },
  bee: { title: "bee", priority: "urgent", due_date: at(200), status: "in_progress", assigned_to: "$minh" },
  cod: { title: "Çod", priority: "high", status: "done", due_date: at(-200), client_id: "$acme" },
  doe: { title: "doe", priority: "medium", status: "cancelled", external_id: "T-1" },
  elk: { title: "Elk", priority: "high", due_date: noon, client_id: "$beta", by: "minh" },
};

const shows = showing("/api/tasks", "admin");

const refused = (query: string, field: string, code: string): Scenario => ({
  by: "admin",
  get: `/api/tasks?${query}`,
  status: 400,
  problem: { field, fieldCode: code },
});

scenarios("lists of tasks", { clients, tasks }, [
  shows("", "ash bee cod doe elk"),
  shows("", "ash bee cod doe", { by: "lan" }),
  shows("", "bee elk", { by: "minh" }),
  shows("", "", { by: "stranger" }),
  shows("status=pending", "ash bee elk"),
  shows("filter[status][ne]=pending", "cod doe"),
  shows("filter[status][in]=pending,done", "ash bee cod elk"),
  shows("status=done", "cod"),
  shows("priority=high", "cod elk"),
  shows("filter[priority][gte]=high", "bee cod elk"),
  shows("filter[priority][between]=low,medium", "ash doe"),
  shows("filter[priority][nin]=low,urgent", "cod doe elk"),
  shows("client_id=$acme", "ash cod"),
  shows("filter[client_id][is_null]=true", "bee doe"),
  shows("assignee=$minh", "bee"),
  shows("assigned_to=$minh", "bee"),
  shows("filter[created_by]=$minh", "elk"),
  shows("filter[title]=cod", "cod"),
  shows("filter[title][starts_with]=E", "elk"),
  shows("filter[external_id]=t-1", "doe"),
  shows("filter[due_date][lt]=now&status=pending", `ash${noon < new Date().toISOString() ? " elk" : ""}`),
  shows("filter[due_date][gte]=today&filter[due_date][lt]=today%2B1d", "elk"),
  shows("filter[completed_at][is_null]=false", "cod"),
  shows("filter[deleted_at][is_null]=false", ""),
  shows("sort=priority", "ash doe cod elk bee"),
  shows("sort=-priority,title", "bee cod elk doe ash"),
  shows("sort=due_date", "cod ash elk bee doe"),
  shows("sort=-due_date", "bee elk ash cod doe"),
  shows("sort=title", "ash bee cod doe elk"),
  shows("sort=status,-title", "doe cod bee elk ash"),
  shows("sort=-completed_at,title", "cod ash bee doe elk"),
  refused("filter[description]=x", "filter[description]", "unknown_field"),
  refused("priority=enormous", "priority", "invalid_choice"),
  refused("filter[priority][contains]=h", "filter[priority][contains]", "unknown_operator"),
  refused("filter[status][gte]=todo", "filter[status][gte]", "unknown_operator"),
  refused("sort=description", "sort", "unknown_sort_key"),
  {
    name: "a walk by priority sees every task once",
    by: "admin",
    get: "/api/tasks?sort=-priority&limit=2",
    status: 200,
    then: async ({ send }, { json }) => {
      const seen = json.data.map(({ title }: { title: string }) => title);
      let cursor = json.pagination.next_cursor;
      while (cursor !== null) {
        const page = await send("admin", "GET", `/api/tasks?sort=-priority&limit=2&cursor=${cursor}`);
        seen.push(...page.json.data.map(({ title }: { title: string }) => title));
        cursor = page.json.pagination.next_cursor;
      }
      expect(seen).toEqual(["bee", "Elk", "Çod", "doe", "Ash"]);
    },
  },
]);

const nothing = {
  total: 0,
  by_status: { todo: 0, in_progress: 0, done: 0, cancelled: 0 },
  by_priority: { low: 0, medium: 0, high: 0, urgent: 0 },
  pending: 0,
  completed: 0,
  overdue: 0,
  due_today: 0,
  unassigned: 0,
};
const isNoonOver = Number(noon < new Date().toISOString());

scenarios("counting tasks", { clients, tasks: { ...tasks, gone: { deleted: true, due_date: noon } } }, [
  {
    by: "admin",
    get: "/api/tasks/stats",
    status: 200,
    has: {
      total: 5,
      by_status: { todo: 2, in_progress: 1, done: 1, cancelled: 1 },
      by_priority: { low: 1, medium: 1, high: 2, urgent: 1 },
      pending: 3,
      completed: 1,
      overdue: 1 + isNoonOver,
      due_today: 1,
      unassigned: 2,
    },
  },
  {
    by: "minh",
    get: "/api/tasks/stats",
    status: 200,
    has: { total: 2, pending: 2, due_today: 1, unassigned: 1 },
  },
  { by: "stranger", get: "/api/tasks/stats", status: 200, has: nothing },
  {
    by: "admin",
    get: "/api/tasks/stats?client_id=$acme",
    status: 200,
    has: { total: 2, completed: 1, overdue: 1 },
  },
  {
    by: "admin",
    get: "/api/tasks/stats?filter[priority][gte]=high&status=pending",
    status: 200,
    has: { total: 2, by_status: { todo: 1, in_progress: 1, done: 0 } },
  },
  {
    by: "admin",
    get: "/api/tasks/stats?page=1",
    status: 400,
    problem: { field: "page", fieldCode: "unknown_parameter" },
  },
  { by: "admin", get: "/api/tasks/stats?sort=title", status: 400, problem: { field: "sort" } },
  {
    by: "admin",
    get: "/api/tasks/stats?colour=red&status=x",
    status: 400,
    problem: { field: "colour", code: "unknown_parameter" },
  },
]);
