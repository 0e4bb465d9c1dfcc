import { day, isoTimeOrNull, now } from "../../clock";
import { listPage, pageOf } from "../../db/list";
import type { Session, Store } from "../../db/store";
import { write } from "../../db/write";
import { Conflict, Invalid, NotFound } from "../../errors";
import { remark } from "../../events/record";
import { newId, newSecret } from "../../ids";
import { instantOf } from "../../instants";
import type { ListRequest, Page } from "../../list";
import type { Actor } from "../../policy";
import type { PasswordChecks } from "../auth/password-checks";
import { hashToken } from "../auth/sessions";
import type { FileRow } from "../files/policy";
import { presentShare, type NewShareView, type ShareInput, type ShareView } from "./schema";
import {
  insertShare,
  listedShares,
  openSharesOf,
  revokeShare,
  shareOf,
  sharesOfFile,
  type ShareRow,
} from "./store";

/** What links ask of the files that they lead to. */
export interface Shareable {
  /** The live file with this id. @throws NotFound, Gone as `get` does, Forbidden when the actor may not share it */
  shareable(session: Session, actor: Actor, id: string): Promise<FileRow>;
}

/** What sharing depends on. */
export interface ShareOptions {
  store: Store;
  files: Shareable;
  checks: PasswordChecks;
  /** For how many days a link is good whose maker does not say it; 0 for good. */
  days: () => number;
  /** Where the link with this token leads. */
  link(token: string): string;
}

/** So many links of a file are good at one time. */
const mostOpen = 100;

/** 128 bits, which nobody guesses, in 22 characters. */
const tokenBytes = 16;

/** Links to files for people outside: made, listed and ended by whoever may share the file. */
export class ShareService {
  constructor(private readonly options: ShareOptions) {}

  /**
   * Makes a link to a file. Its token is in the answer and nowhere else.
   * @throws NotFound, Gone for a file that is not there or not seen, Forbidden when the actor may not share it
   * @throws Invalid for an instant in the past, or a password that may not be chosen
   * @throws Conflict when the file has as many links as one may have
   */
  async create(actor: Actor, fileId: string, input: ShareInput): Promise<NewShareView> {
    const { store, files, checks, link } = this.options;
    const given = this.#checked(input);
    // Hashing takes a core for a while: not for a file that one may not share.
    await files.shareable(store.read, actor, fileId);
    const { password = null } = input;
    const password_hash = password === null ? null : await checks.hashNew(password, "password");
    const token = newSecret(tokenBytes);
    const row = await write(store, actor, async (session) => {
      const file = await files.shareable(session, actor, fileId);
      await assertRoom(session, file.id);
      const made: ShareRow = {
        ...{ id: newId(), file_id: file.id, hash: hashToken(token), created_by: actor.userId! },
        ...{ ...given, password_hash, downloads: 0, created_at: now(), revoked_at: null },
      };
      await insertShare.all(session, made);
      await remark(session, actor, "file.shared", file, toldOf(made), made.created_at);
      return made;
    });
    return { ...presentShare(row), token, url: link(token) };
  }

  /** One page of a file's links, those that are over included. @throws as `create` does for the file */
  async list(actor: Actor, fileId: string, request: ListRequest): Promise<Page<ShareView>> {
    const { store, files } = this.options;
    const { id } = await files.shareable(store.read, actor, fileId);
    const scope = sharesOfFile(id, `${actor.kind} ${actor.userId}`);
    const result = await listPage(store, listedShares, request, [scope]);
    return { data: result.rows.map(presentShare), pagination: pageOf(result, request) };
  }

  /** Ends a link at once; one that was ended stays so. @throws NotFound when it is none of this file's */
  async revoke(actor: Actor, fileId: string, shareId: string): Promise<void> {
    const { store, files } = this.options;
    await write(store, actor, async (session) => {
      const file = await files.shareable(session, actor, fileId);
      const share = await shareOf.first(session, { id: shareId, file_id: file.id });
      if (!share) throw new NotFound("link");
      const at = now();
      const ended = await revokeShare.all(session, { id: share.id, revoked_at: at });
      if (ended.length > 0)
        await remark(session, actor, "file.share_revoked", file, { share_id: share.id }, at);
    });
  }

  /** What is asked for, as the row has it. */
  #checked({ expires_at, max_downloads = null, view_only = false }: ShareInput) {
    if (view_only && max_downloads !== null) {
      const message = "means nothing for a link that does not give the file away";
      throw new Invalid([{ field: "max_downloads", code: "unexpected", message }]);
    }
    return { expires_at: this.#expiry(expires_at), max_downloads, view_only };
  }

  #expiry(given: string | null | undefined): number | null {
    if (given === null) return null;
    const days = this.options.days();
    if (given === undefined) return days === 0 ? null : now() + days * day;
    const instant = instantOf(given);
    const problem = typeof instant === "string" ? instant : instant <= now() && "must be in the future";
    if (problem) throw new Invalid([{ field: "expires_at", code: "invalid_instant", message: problem }]);
    return instant as number;
  }
}

/** What is told of a new link: nothing that opens it. */
const toldOf = (row: ShareRow) => ({
  ...{ share_id: row.id, expires_at: isoTimeOrNull(row.expires_at) },
  ...{ has_password: row.password_hash !== null },
  ...{ max_downloads: row.max_downloads, view_only: row.view_only },
});

/** @throws Conflict when the file has as many links as one may have */
async function assertRoom(session: Session, file_id: string): Promise<void> {
  const open = await openSharesOf.all(session, { file_id, now: now(), most: mostOpen });
  if (open.length < mostOpen) return;
  throw new Conflict("too_many_shares", `A file has at most ${mostOpen} links at a time: end one first.`, {
    most: mostOpen,
  });
}
