import { year } from "../build";
import { day, isoTime, minute, now, second } from "../clock";
import type { DatabaseTimes } from "./database";
import { findingsOf, orOk, type Finding } from "./finding";

const { warn, fail } = findingsOf("clock");
const setIt = "Set it by the network: timedatectl set-ntp true (systemd), or run chronyd.";
/** Clocks of machines that follow the network differ by less. */
const apart = 5 * second;
const behind = minute;
const longAgo = 365 * day;

/** Whether this machine's clock can be right, by all that is known of the time. */
export function clockFindings({ newestEvent, ahead }: DatabaseTimes): Finding[] {
  const time = now();
  const here = isoTime(time);
  const found: Finding[] = [];
  if (new Date(time).getUTCFullYear() < year) {
    const why = "Tokens, deadlines and the order of records follow the clock.";
    found.push(fail(`It shows ${here}, and this program is of ${year}.`, why, setIt));
  }
  if (ahead !== null && Math.abs(ahead) > apart) {
    const [seconds, how] = [Math.round(Math.abs(ahead) / second), ahead > 0 ? "behind" : "ahead of"];
    const why =
      "Instances of one database have to agree about when tokens end and in which order things happened.";
    found.push(fail(`It is ${seconds} s ${how} the database's.`, why, setIt));
  }
  if (newestEvent !== null && newestEvent - time > behind) {
    const why = "It was set back, or was wrong then: new records would stand before old ones.";
    found.push(fail(`It shows ${here}, and the newest event is of ${isoTime(newestEvent)}.`, why, setIt));
  }
  if (newestEvent !== null && time - newestEvent > longAgo) {
    const why =
      "Either nobody worked for a year, or the clock is far ahead: then tokens end at once when it is set right.";
    found.push(
      warn(
        `It shows ${here}, and the newest event is of ${isoTime(newestEvent)}.`,
        why,
        `If it is wrong: ${setIt}`,
      ),
    );
  }
  return orOk(found, "clock", `${here}.`);
}
