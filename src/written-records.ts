import { listPage, pageOf, versionsOf, type ListScope, type Resource } from "./db/list";
import type { Store } from "./db/store";
import { RecentMap } from "./recent-map";
import { KeptRecords, type Kept } from "./kept-records";
import type { ListRequest, ListResult, Page } from "./list";
import type { OwnedRow, OwnPolicy } from "./own-policy";
import type { Actor } from "./policy";
import { Written, type WrittenPage } from "./written";

/** What it takes of a record to be kept. Each change of it counts up its version, and it is shown by its row alone. */
interface Keepable extends OwnedRow {
  id: string;
  version: number;
}

/** Where records are that are not kept. */
interface Source<Row extends OwnedRow, View> {
  store: Store;
  policy: OwnPolicy<Row>;
  resource: Resource<Row>;
  present(row: Row): View;
  records: {
    get(actor: Actor, id: string, asOf?: number): Promise<View>;
    list(actor: Actor, request: ListRequest): Promise<Page<View>>;
    seenAmong(session: Store["read"], actor: Actor, ids: readonly string[]): Promise<Row[]>;
  };
}

/** Which records a page has, as of a number of commits. */
interface Found extends ListResult<{ id: string; version: number }> {
  commits: number;
}

/** A page as it was, as of a number of commits. */
interface Whole<View> {
  page: WrittenPage<View>;
  commits: number;
}

/** How many lists are remembered, and how many records a page may have for its ids to be. */
const [mostLists, mostFound] = [512, 50];
/** Of how many the page is kept, and how many bytes of JSON it may have to be. */
const [mostPages, mostBytes] = [128, 32 * 1_024];
/** How many ids are remembered of records that were read: half of them at least. */
const mostIds = 16_384;

/**
 * Records for those who only pass their JSON on. What was read lately is kept, and need not be read and written again. A kept
 * record is what the database would give when nothing at all was committed since it was read, or when the database has
 * the same version of it. Where other processes write as well, which is to say on PostgreSQL, nothing is kept.
 */
export class WrittenRecords<Row extends OwnedRow, View extends Keepable> {
  readonly #kept = new KeptRecords<View>();
  readonly #lists = new RecentMap<Found | "asked">(mostLists);
  readonly #pages = new RecentMap<Whole<View>>(mostPages);
  readonly #ids = new RecentMap<true>(mostIds);
  readonly #versions;
  /** How much is under way that nothing is kept beside. */
  #off = 0;

  constructor(private readonly source: Source<Row, View>) {
    this.#versions = versionsOf(source.resource);
  }

  /** One record, which is kept when it is read again. @throws what `RecordService.get` throws */
  async get(actor: Actor, id: string, asOf?: number): Promise<View | Written<View>> {
    const { store, policy, records } = this.source;
    const { commits } = store;
    if (asOf !== undefined || commits === undefined || this.#isOff) return records.get(actor, id, asOf);
    const kept = this.#kept.get(id);
    if (kept?.commits === commits && policy.mayRead(actor, kept)) return used(kept);
    const view = await records.get(actor, id);
    return kept || isAgain(this.#ids, id) ? this.#keep(view, commits) : view;
  }

  /**
   * One page. That of a list that is asked for again is kept until something is committed. Then it is found out anew which records it
   * has, and only those are read that were changed or are not kept yet.
   */
  async list(actor: Actor, request: ListRequest): Promise<Page<View> | WrittenPage<View>> {
    const { store, policy, records } = this.source;
    const isPlain = store.commits === undefined || request.deleted !== "none" || this.#isOff;
    if (isPlain) return records.list(actor, request);
    const scope = policy.readable(actor);
    const key = keyOf(request, scope);
    const whole = this.#pages.get(key);
    if (whole?.commits === store.commits) return whole.page;
    const known = this.#lists.get(key);
    if (known === undefined) {
      this.#lists.set(key, "asked");
      return records.list(actor, request);
    }
    const found = await this.#found(known, key, request, scope);
    const page = await this.#listKept(actor, request, found);
    if (page && page.bytes.byteLength <= mostBytes) this.#pages.set(key, { page, commits: found.commits });
    return page ?? records.list(actor, request);
  }

  /** Keeps nothing while `work` runs: it writes rows without counting up their versions. */
  async without<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#off++;
    try {
      return await work();
    } finally {
      this.#kept.clear();
      this.#off--;
    }
  }

  get #isOff(): boolean {
    return this.#off > 0;
  }

  async #found(known: Found | "asked", key: string, request: ListRequest, scope: ListScope): Promise<Found> {
    const { store } = this.source;
    const { commits } = store;
    if (known !== "asked" && known.commits === commits) return known;
    const found = { ...(await listPage(store, this.#versions, request, [scope])), commits: commits! };
    if (found.rows.length <= mostFound) this.#lists.set(key, found);
    return found;
  }

  /** `undefined` when one of them was changed meanwhile. */
  async #listKept(actor: Actor, request: ListRequest, found: Found): Promise<WrittenPage<View> | undefined> {
    const known = found.rows.map(({ id, version }) => this.#inVersion(id, version));
    const missing = found.rows.filter((_, i) => !known[i]).map(({ id }) => id);
    const read = missing.length > 0 ? await this.#read(actor, missing) : undefined;
    const data = found.rows.map(({ id }, i) => known[i] ?? read?.get(id));
    // What is missing has no version, so the cast below is safe.
    if (data.some((written, i) => written?.version !== found.rows[i]!.version)) return undefined;
    return Written.page({ data: data as Written<View>[], pagination: pageOf(found, request) });
  }

  async #read(actor: Actor, ids: readonly string[]): Promise<Map<string, Written<View>>> {
    const { store, records, present } = this.source;
    const { commits } = store;
    const rows = await records.seenAmong(store.read, actor, ids);
    return new Map(rows.map(present).map((view) => [view.id, this.#keep(view, commits!)]));
  }

  #inVersion(id: string, version: number): Written<View> | undefined {
    const kept = this.#kept.get(id);
    return kept?.written.version === version ? used(kept) : undefined;
  }

  /** @param commits how many there were before it was read */
  #keep(view: View, commits: number): Written<View> {
    const { id, version, created_by, assigned_to } = view;
    const kept = this.#kept.get(id);
    const isCurrent = commits === this.source.store.commits;
    if (kept?.written.version === version) {
      if (isCurrent) kept.commits = commits;
      return used(kept);
    }
    const written = new Written(version, view);
    if (isCurrent) this.#kept.put({ id, written, created_by, assigned_to, commits, isUsed: false });
    return written;
  }
}

/** Whether this is not the first time, as far as is remembered: what is read once is not worth keeping. */
function isAgain(known: RecentMap<true>, key: string): boolean {
  const isKnown = known.get(key) === true;
  if (!isKnown) known.set(key, true);
  return isKnown;
}

/**
 * Says who asks and how far they see; what they ask for is hashed, as a cursor may be long. Whoever made two lists of one hash would
 * deceive themselves alone.
 */
function keyOf(
  { fingerprint, limit, page, count, after }: ListRequest,
  { shape, caller }: ListScope,
): string {
  const asked = `${fingerprint} ${limit} ${page} ${count} ${after ? JSON.stringify(after) : ""}`;
  return `${caller}, ${shape}: ${Bun.hash(asked).toString(36)}`;
}

function used<View>(kept: Kept<View>): Written<View> {
  kept.isUsed = true;
  return kept.written;
}
