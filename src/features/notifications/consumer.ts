import { day, now } from "../../clock";
import type { Session } from "../../db/store";
import type { Consumer, SequencedEvent } from "../../events/consumer";
import { Look, People, type Records } from "./look";
import { notifyAll, type Notice } from "./notify";
import { rules } from "./rules";

/** What is older was told by others, or happened before anybody was told: in an import, say, or an older version. */
const newsMs = 7 * day;

/** Reads what happened and tells those whom it concerns: each event once, as its place moves on with it. */
export class Notifier implements Consumer {
  readonly name = "notifications";
  #told = new Set<string>();

  /** @param ring called after the commit, for each user who has something new */
  constructor(
    private readonly records: Records,
    private readonly ring: (userId: string) => void,
  ) {}

  async take(session: Session, events: readonly SequencedEvent[]): Promise<void> {
    const notices: Notice[] = [];
    const people = new People(session);
    for (const event of events) {
      if (event.created_at < now() - newsMs) continue;
      const rule = Object.hasOwn(rules, event.type) ? rules[event.type] : undefined;
      if (rule) notices.push(...(await rule(new Look(session, event, this.records, people))));
    }
    this.#told = await notifyAll(session, notices);
  }

  taken(): void {
    for (const userId of this.#told) this.ring(userId);
    this.#told = new Set();
  }
}
