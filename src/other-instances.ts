import type { Background } from "./background";
import type { Identities } from "./features/auth/identities";
import { follow, type Follower } from "./features/settings/follow";
import type { SettingService } from "./features/settings/service";
import type { Bus } from "./integrations/bus/bus";
import { cancelledTopic } from "./jobs/queue";
import type { Worker } from "./jobs/worker";

const userTopic = "user:";
/** Rung when stored settings change. */
export const settingsTopic = "settings";
/** What has failed, for the log, when others could not be told. */
export const deaf = "The bus could not be rung";

/**
 * Makes every instance forget a user's tokens: here at once, elsewhere as soon as the bus rings there. Nobody
 * waits for that but whoever closes the bus.
 */
export function forgetEverywhere(
  identities: Identities,
  bus: Bus,
  ringing: Background,
  recheck: (userId: string) => void,
) {
  bus.onRing((topic) => {
    if (topic.startsWith(userTopic)) identities.forget(topic.slice(userTopic.length));
  });
  bus.onGap(() => identities.forgetAll());
  return (userId: string): void => {
    identities.forget(userId);
    recheck(userId);
    ringing.start(deaf, () => bus.ring(userTopic + userId));
  };
}

/** Reads the stored settings again when another instance changed one, or may have. */
export function followSettings(settings: SettingService, bus: Bus): Follower {
  const follower = follow(settings.load);
  bus.onRing((topic) => {
    if (topic === settingsTopic) follower.refresh();
  });
  bus.onGap(() => follower.refresh());
  return follower;
}

/** Ends jobs under way here that were cancelled, wherever that was. What is missed in a gap, the leases tell when they are due. */
export function followCancels(worker: Worker, bus: Bus): void {
  bus.onRing((topic) => {
    if (topic === cancelledTopic) worker.checkLeases();
  });
}
