import { hour } from "../../clock";
import type { Session, Store } from "../../db/store";
import { NotFound, Refusal } from "../../errors";
import { remark } from "../../events/record";
import type { EventType } from "../../events/types";
import type { Download } from "../../http/download";
import { loginThrottle } from "../../integrations/login-throttle";
import type { ByteRange } from "../../http/ranges";
import type { Actor } from "../../policy";
import type { PasswordChecks } from "../auth/password-checks";
import { hashToken } from "../auth/sessions";
import type { FileContents, PictureState } from "../files/contents";
import type { FileRow } from "../files/policy";
import { account, actorOf, type UserRow } from "../users/accounts";
import type { Passes } from "./passes";
import { stateOf } from "./schema";
import { countDownload, shareByHash, type ShareRow } from "./store";

/** What visits ask of the files that links lead to. */
export interface SharedFiles {
  /** The live file with this id, if the actor may share it. */
  sharedBy(session: Session, actor: Actor, id: string): Promise<FileRow | undefined>;
  /** The bytes of a file, whoever asks. */
  bytesOf(file: FileRow): Download;
}

/** What visits depend on. */
export interface VisitOptions {
  store: Store;
  files: SharedFiles;
  contents: Pick<FileContents, "picture" | "want">;
  checks: PasswordChecks;
  passes: Passes;
}

/** Whoever came with a link: nobody in particular. */
export interface Visitor {
  requestId: string;
  address: string;
  /** The password, where it was sent along. */
  password: string | null;
  /** What their browser kept. */
  passes: { open: string | null; resume: string | null };
}

/** What a link leads to. */
export interface Shared {
  share: ShareRow;
  file: FileRow;
  /** What whoever shared it is called. */
  sharedBy: string;
}

/** The same for its page. */
export interface Opened extends Shared {
  picture: PictureState;
}

/** Of the pictures of a file, the one that is shown to people outside. */
const shownSize = "large";

/** For how long a password need not be given again, and a download may be gone on with, in milliseconds. */
export const passMs = { open: hour, resume: 24 * hour } as const;

/**
 * What is done with links to files. A link is asked for anew each time: it is good as long as nobody revoked it, its time is
 * not over, its downloads are not used up, and whoever made it may still share the file.
 */
export class ShareVisits {
  /** Wrong passwords of one link, whoever tries: many addresses get no more tries than this. */
  readonly #perLink = loginThrottle({ freePerPair: 30, pairMs: 10_000, freePerAddress: Infinity });

  constructor(private readonly options: VisitOptions) {}

  /**
   * What a link leads to, for its page. @param isSeen whether it is shown, and not only asked whether it is there
   * @throws NotFound for an unknown link, Refusal `share_ended` for one that is over
   * @throws Refusal `share_password_required` or `wrong_share_password`
   */
  async open(token: string, visitor: Visitor, isSeen: boolean): Promise<Opened> {
    await this.#admit(token, visitor);
    return this.#visit(token, visitor, async (session, shared) => {
      if (isSeen) await this.#note(session, visitor, "file.share_opened", shared);
      return { ...shared, picture: await this.#pictureState(session, shared.file) };
    });
  }

  /**
   * Takes the password of a link. @returns the pass that stands for it from then on; `undefined` where there is none
   * @throws as `open` does
   */
  async unlock(token: string, password: string, visitor: Visitor): Promise<string | undefined> {
    const { share } = await this.#admit(token, { ...visitor, password, passes: noPasses });
    if (share.password_hash === null) return undefined;
    return this.options.passes.issue("open", share.id, passMs.open);
  }

  /**
   * What there is to download behind a link. The download counts when its bytes are read from the beginning; the rest of
   * one that was counted can be fetched with the pass that `counted` gets.
   * @throws as `open` does, and Refusal `view_only`
   */
  async download(token: string, visitor: Visitor, counted: (pass: string) => void): Promise<Download> {
    const { passes, files } = this.options;
    const mayResume = ({ share }: Pick<Shared, "share">) =>
      passes.isGood(visitor.passes.resume, "resume", share.id);
    const shared = await this.#admit(token, visitor, mayResume);
    if (shared.share.view_only) throw viewOnly();
    const bytes = files.bytesOf(shared.file);
    return {
      ...bytes,
      read: async (part?: ByteRange) => {
        const isRest = part !== undefined && part.first > 0 && mayResume(shared);
        if (!isRest) counted(await this.#count(token, visitor));
        return bytes.read(part);
      },
    };
  }

  /**
   * The large picture of the file, never the file itself; "pending" while it is made.
   * @throws as `open` does, and Refusal `preview_unavailable`
   */
  async preview(token: string, visitor: Visitor): Promise<Download | "pending"> {
    await this.#admit(token, visitor);
    return this.#visit(token, visitor, async (session, shared) => {
      const picture = await this.options.contents.picture(session, shared.file, shownSize);
      if (picture === "unavailable") throw noPreview();
      if (picture !== "pending") await this.#note(session, visitor, "file.share_previewed", shared);
      return picture;
    });
  }

  /** Has a picture made that nobody has asked for so far. */
  async #pictureState(session: Session, file: FileRow): Promise<PictureState> {
    const { contents } = this.options;
    const picture = await contents.picture(session, file, shownSize);
    if (picture === "pending") await contents.want(session, file.checksum, file.file_type);
    return typeof picture === "string" ? picture : "ready";
  }

  async #count(token: string, visitor: Visitor): Promise<string> {
    const { id } = await this.#visit(token, visitor, async (session, shared) => {
      if ((await countDownload.all(session, { id: shared.share.id })).length === 0) throw ended();
      await this.#note(session, visitor, "file.share_downloaded", shared);
      return shared.share;
    });
    return this.options.passes.issue("resume", id, passMs.resume);
  }

  /** Does something with what a link leads to, as it is in that transaction. */
  #visit<Result>(
    token: string,
    { requestId }: Visitor,
    work: (session: Session, shared: Shared) => Promise<Result>,
  ): Promise<Result> {
    return this.options.store.tx(async (session) =>
      work(session, await this.#find(session, token, requestId)),
    );
  }

  /**
   * What a link leads to, for whoever knows its password.
   * @param isLate lets in where the downloads are used up
   */
  async #admit(token: string, visitor: Visitor, isLate?: (shared: Shared) => boolean): Promise<Shared> {
    const shared = await this.#find(this.options.store.read, token, visitor.requestId, isLate);
    const { share } = shared;
    if (share.password_hash === null) return shared;
    if (this.options.passes.isGood(visitor.passes.open, "open", share.id)) return shared;
    if (visitor.password === null) throw passwordRequired();
    if (await this.#isRight(share, visitor.password, visitor.address)) return shared;
    await this.options.store.tx((session) => this.#note(session, visitor, "file.share_refused", shared));
    throw wrongPassword();
  }

  async #isRight({ id, password_hash }: ShareRow, password: string, address: string): Promise<boolean> {
    const { checks } = this.options;
    const compare = () => checks.compare(address, `share ${id}`, password, async () => password_hash);
    return (await this.#perLink.attempt(id, id, compare)).ok;
  }

  /** @throws NotFound for an unknown link, Refusal `share_ended` for one that is over, for whatever reason */
  async #find(
    session: Session,
    token: string,
    requestId: string,
    isLate?: (shared: Shared) => boolean,
  ): Promise<Shared> {
    // By its hash: how long the search takes tells nothing about tokens that are good.
    const share = await shareByHash.first(session, { hash: hashToken(token) });
    if (!share) throw new NotFound("link");
    const state = stateOf(share);
    const maker = await account(session, share.created_by);
    const file = maker?.is_active && (await this.#fileOf(session, share, maker, requestId));
    if (!file || state === "revoked" || state === "expired") throw ended();
    const shared = { share, file, sharedBy: maker.full_name };
    if (state === "used_up" && !isLate?.(shared)) throw ended();
    return shared;
  }

  async #fileOf(session: Session, { file_id }: ShareRow, maker: UserRow, requestId: string) {
    return this.options.files.sharedBy(session, await actorOf(session, maker, requestId), file_id);
  }

  #note(session: Session, { requestId }: Visitor, type: EventType, { share, file }: Shared) {
    return remark(session, bearerOf(share, requestId), type, file, { share_id: share.id });
  }
}

/** What is recorded as the one who acts: the link, which is nobody's account. */
const bearerOf = (share: ShareRow, requestId: string): Actor => ({
  ...{ kind: "share", userId: share.id, sessionId: null },
  ...{ grants: {}, timeZone: "UTC", requestId },
});

const noPasses: Visitor["passes"] = { open: null, resume: null };

const ended = () =>
  new Refusal(
    "gone",
    "share_ended",
    "This link no longer works: its time is over, it was used as often as it may be, or it was withdrawn.",
  );

const passwordRequired = () =>
  new Refusal("forbidden", "share_password_required", "This link has a password.");

const wrongPassword = () =>
  new Refusal("forbidden", "wrong_share_password", "This is not the password of the link.");

const viewOnly = () =>
  new Refusal("forbidden", "view_only", "This file can be looked at, but not downloaded.");

const noPreview = () => new Refusal("not_found", "preview_unavailable", "There is no picture of this file.");
