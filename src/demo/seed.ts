import { day, now } from "../clock";
import type { Session, Store } from "../db/store";
import { write } from "../db/write";
import { Conflict } from "../errors";
import type { ClientService } from "../features/clients/service";
import type { TaskService } from "../features/tasks/service";
import { actorOf, addUser, type UserRow } from "../features/users/accounts";
import type { Actor } from "../policy";
import { demoClients } from "./customers";
import { people } from "./people";
import { clientTasks, recurringTasks, type DemoTask } from "./tasks";

/** Where the demo company is put. */
export interface DemoParts {
  store: Store;
  clients: ClientService;
  tasks: TaskService;
}

/** What was made. */
export interface DemoResult {
  users: { email: string; role: string; full_name: string }[];
  clients: number;
  tasks: number;
}

/** Over how many days the clients came. */
const days = 180;

/**
 * Fills an empty system with a believable company: people of each role, their clients, and tasks due around today. All
 * of it in one transaction, each change with its event, as if it had happened over the last months.
 * @param password_hash of the password that all of them get
 * @throws Conflict when there are clients already, or somebody has one of the addresses
 */
export const seedDemo = (parts: DemoParts, actor: Actor, password_hash: string): Promise<DemoResult> =>
  write(parts.store, actor, async (session) => {
    const { clients } = session.t;
    const [existing] = await session.q.select({ id: clients.id }).from(clients).limit(1);
    if (existing)
      throw new Conflict("not_empty", "There are clients already: the demo is for an empty system.");
    const users = new Map<string, UserRow>();
    for (const { supports, ...person } of people) {
      users.set(supports ?? person.role, await addUser(session, actor, { ...person, password_hash }));
    }
    const admin = await actorOf(session, users.get("admin")!, actor.requestId);
    const all = demoClients();
    let tasks = 0;
    for (const [i, client] of all.entries()) {
      const support = users.get(client.supportedBy)!;
      const at = now() - Math.round((days * day * (all.length - i)) / all.length);
      const input = { ...client.input, assigned_to: support.id };
      const { id } = await parts.clients.createIn(session, admin, input, at);
      const ids = { client_id: id, assigned_to: support.id };
      const own = clientTasks(client, i, now(), ids);
      tasks += await addTasks(parts.tasks, session, await actorOf(session, support, actor.requestId), own);
    }
    const manager = users.get("manager")!;
    const recurring = recurringTasks(now(), manager.id);
    tasks += await addTasks(
      parts.tasks,
      session,
      await actorOf(session, manager, actor.requestId),
      recurring,
    );
    const made = people.map(({ email, role, full_name }) => ({ email, role, full_name }));
    return { users: made, clients: all.length, tasks };
  });

async function addTasks(service: TaskService, session: Session, actor: Actor, tasks: DemoTask[]) {
  for (const { input, createdAt, became } of tasks) {
    const { id } = await service.createIn(session, actor, input, createdAt);
    if (became) await service.changeIn(session, actor, id, { status: became.status }, "any", became.at);
  }
  return tasks.length;
}
