import type { World } from "./scenario";

/** Every row of what events rebuild. */
export async function dump({ server }: World) {
  const { t, q } = server.parts.store.read;
  return {
    clients: await q.select().from(t.clients).orderBy(t.clients.id),
    client_tags: await q.select().from(t.client_tags).orderBy(t.client_tags.client_id, t.client_tags.tag_key),
    tasks: await q.select().from(t.tasks).orderBy(t.tasks.id),
  };
}
