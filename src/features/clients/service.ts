import { now } from "../../clock";
import { DbError } from "../../db/errors";
import { listPage, pageOf, type Resource } from "../../db/list";
import type { Session, Store } from "../../db/store";
import { write } from "../../db/write";
import { Conflict, Forbidden, Gone, Invalid, NotFound } from "../../errors";
import { assertCurrent } from "../../events/current";
import { record } from "../../events/record";
import type { ListRequest, Page } from "../../http/list";
import type { IfMatch } from "../../http/preconditions";
import { newId } from "../../ids";
import type { Actor } from "../../policy";
import { isActiveUser } from "../users/accounts";
import { normalEmail } from "../../text";
import { clientFields } from "./fields";
import type { ClientPolicy } from "./policy";
import { presentClient, type ClientInput, type ClientPatch, type ClientView } from "./schema";
import {
  clientById,
  clientColumns,
  clientHolding,
  insertClient,
  updateClient,
  type ClientRow,
} from "./store";

/** Clients as a list resource. */
const clients: Resource<ClientRow> = {
  name: "clients",
  table: (t) => t.clients,
  columns: clientColumns,
  fields: clientFields,
};

/** What may happen to a client, and what happens with it. */
export class ClientService {
  constructor(
    private readonly store: Store,
    private readonly policy: ClientPolicy,
    /** ISO 3166 code of phone numbers without a country code. */
    private readonly defaultCountry: () => string | null,
  ) {}

  /** One page of the clients the actor may see, or of the deleted ones they may restore. */
  async list(actor: Actor, request: ListRequest): Promise<Page<ClientView>> {
    const scope = this.policy.listed(actor, request.deleted);
    const result = await listPage(this.store, clients, request, scope);
    return { data: result.rows.map(presentClient), pagination: pageOf(result, request) };
  }

  /** @throws NotFound when there is no such client or the actor may not see it, Gone when they may restore it */
  async get(actor: Actor, id: string): Promise<ClientView> {
    return presentClient(await this.#visible(this.store.read, actor, id));
  }

  /** @throws Conflict when another live client has the e-mail address or external id */
  create(actor: Actor, input: ClientInput): Promise<ClientView> {
    return this.#explaining(input, () =>
      write(this.store, actor, async (session) => {
        const known = tidy(input);
        await assertAssignable(session, known.assigned_to);
        const at = now();
        const row = {
          ...blank,
          ...known,
          id: newId(),
          created_by: actor.userId!,
          created_at: at,
          updated_at: at,
        };
        await insertClient(session, row, this.defaultCountry());
        const view = presentClient(row);
        await record(session, actor, "client.created", null, view, at);
        return view;
      }),
    );
  }

  /**
   * Applies a patch and records what changed; a patch that changes nothing leaves no trace.
   * @throws NotFound when the client does not exist or the actor may not see it
   * @throws Stale when `ifMatch` names an older version, with the fields changed since
   * @throws Conflict when another live client has the new e-mail address or external id
   */
  change(actor: Actor, id: string, patch: ClientPatch, ifMatch: IfMatch): Promise<ClientView> {
    return this.#explaining(patch, () =>
      write(this.store, actor, async (session) => {
        const before = await this.#visible(session, actor, id);
        if (!this.policy.mayChange(actor, before)) throw mayNot("change");
        await assertCurrent(session, "client", before, ifMatch);
        const change = tidy(patch);
        if (change.assigned_to !== before.assigned_to) await assertAssignable(session, change.assigned_to);
        return this.#update(session, actor, "client.updated", before, change);
      }),
    );
  }

  /** Hides a client. Its e-mail address and external id are free again at once. */
  async delete(actor: Actor, id: string, ifMatch: IfMatch): Promise<void> {
    await write(this.store, actor, async (session) => {
      const before = await this.#visible(session, actor, id);
      if (!this.policy.mayDelete(actor, before)) throw mayNot("delete");
      await assertCurrent(session, "client", before, ifMatch);
      await this.#update(session, actor, "client.deleted", before, { deleted_at: now() });
    });
  }

  /**
   * Brings a deleted client back; one that is not deleted stays as it is.
   * @throws Stale when `ifMatch` names an older version
   * @throws Conflict with the other client's id when its e-mail address or external id is taken by now
   */
  async restore(actor: Actor, id: string, ifMatch: IfMatch): Promise<ClientView> {
    const known = await clientById.first(this.store.read, { id });
    return this.#explaining(known ?? {}, () =>
      write(this.store, actor, async (session) => {
        const before = await clientById.first(session, { id });
        if (!before || !this.#mayKnow(actor, before)) throw new NotFound("client");
        if (!this.policy.mayDelete(actor, before)) throw mayNot("restore");
        await assertCurrent(session, "client", before, ifMatch);
        return this.#update(session, actor, "client.restored", before, { deleted_at: null });
      }),
    );
  }

  #mayKnow(actor: Actor, client: ClientRow): boolean {
    return client.deleted_at === null
      ? this.policy.mayRead(actor, client)
      : this.policy.mayDelete(actor, client);
  }

  async #visible(session: Session, actor: Actor, id: string): Promise<ClientRow> {
    const row = await clientById.first(session, { id });
    if (!row || !this.#mayKnow(actor, row)) throw new NotFound("client");
    if (row.deleted_at !== null) throw new Gone("client");
    return row;
  }

  async #update(
    session: Session,
    actor: Actor,
    event: "client.updated" | "client.deleted" | "client.restored",
    before: ClientRow,
    change: Partial<ClientRow>,
  ): Promise<ClientView> {
    const after: ClientRow = { ...before, ...change };
    if (Bun.deepEquals(before, after)) return presentClient(before);
    after.version = before.version + 1;
    after.updated_at = now();
    await updateClient(session, before, after, this.defaultCountry());
    const view = presentClient(after);
    await record(session, actor, event, presentClient(before), view, after.updated_at);
    return view;
  }

  /** Names the client that holds a unique value; asked after the rollback, because PostgreSQL's is over by then. */
  async #explaining<T>(wanted: ClientPatch, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const field =
        error instanceof DbError && error.kind === "unique" ? uniqueFields[error.field ?? ""] : undefined;
      if (!field) throw error;
      const holder = await clientHolding.first(this.store.read, {
        email_normal: field === "email" ? normalEmail(wanted.email ?? "") : "",
        external_id: field === "external_id" ? (wanted.external_id ?? "") : "",
      });
      throw new Conflict(`${field}_taken`, `Another client has this ${field}.`, {
        field,
        conflicting_id: holder?.id ?? null,
      });
    }
  }
}

const uniqueFields: Record<string, "email" | "external_id"> = {
  "clients.email_normal": "email",
  "clients.external_id": "external_id",
};

const blank = {
  external_id: null,
  email: null,
  phone: null,
  company: null,
  position: null,
  industry: null,
  address: null,
  status: "prospect",
  assigned_to: null,
  tags: [],
  notes: null,
  avatar_url: null,
  deleted_at: null,
  version: 1,
} satisfies Partial<ClientRow>;

/** Without the blanks around it, a text is the same text; notes keep theirs. */
function tidy<Input extends ClientPatch>(input: Input): Input {
  const tidied = { ...input };
  for (const field of [
    "external_id",
    "name",
    "email",
    "phone",
    "company",
    "position",
    "industry",
    "address",
  ] as const) {
    if (typeof tidied[field] === "string") tidied[field] = tidied[field].trim();
  }
  if (tidied.tags) tidied.tags = [...new Set(tidied.tags.map((tag) => tag.trim()))];
  if (tidied.assigned_to) tidied.assigned_to = tidied.assigned_to.toLowerCase();
  return tidied;
}

async function assertAssignable(session: Session, userId: string | null | undefined): Promise<void> {
  if (userId == null || (await isActiveUser(session, userId))) return;
  throw new Invalid([{ field: "assigned_to", code: "unknown_user", message: "is not an active user" }]);
}

const mayNot = (verb: string) => new Forbidden(`You may see this client, but not ${verb} it.`);
