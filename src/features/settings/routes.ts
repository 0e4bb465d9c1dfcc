import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { versioned } from "../../http/answer";
import type { HttpKit } from "../../http/kit";
import { PageOf } from "../../http/schema";
import { onePage } from "../../list";
import { SettingPatch, SettingView } from "./schema";
import type { SettingService } from "./service";

/** The settings that may be changed while the server runs. */
export const settingRoutes = (kit: HttpKit, settings: SettingService) =>
  new Elysia({ prefix: "/api/admin/settings", tags: ["Administration"] })
    .use(kit)
    .get("", async () => onePage(await settings.list()), {
      permission: "settings.manage",
      returns: PageOf(SettingView),
      walk: { keeps: { key: "answer.data.10.key" } },
      detail: { summary: "List the settings, and where their values come from" },
    })
    .patch(
      "/:key",
      ({ actor, params, body, ifMatch }) => settings.change(actor, params.key, body.value, ifMatch),
      {
        permission: "settings.manage",
        params: Type.Object({ key: Type.String() }),
        body: SettingPatch,
        conditional: true,
        answer: versioned,
        returns: SettingView,
        problems: ["setting_locked"],
        example: { value: "own" },
        detail: { summary: "Change a setting, at once and on every instance; null takes it back" },
      },
    );
