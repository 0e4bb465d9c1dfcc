import { Elysia } from "elysia";
import { accepted } from "../../http/answer";
import type { HttpKit } from "../../http/kit";
import { NoBody, PageOf } from "../../http/schema";
import { onePage } from "../../list";
import { JobView } from "../jobs/schema";
import { BackupView } from "./schema";
import type { BackupService } from "./service";

/** Backups, for those who look after them. */
export const backupRoutes = (kit: HttpKit, backups: BackupService) =>
  new Elysia({ prefix: "/api/admin/backups", tags: ["Administration"] })
    .use(kit)
    .get("", async () => onePage(await backups.list()), {
      permission: "backups.manage",
      returns: PageOf(BackupView),
      detail: { summary: "List the backups in `backup.dir`, the newest first" },
    })
    .post("", ({ actor }) => backups.request(actor), {
      permission: "backups.manage",
      body: NoBody,
      answer: accepted,
      returns: JobView,
      problems: ["backup_not_configured"],
      example: {},
      walk: { needs: ["backup_dir"] },
      detail: { summary: "Have a backup made now, by a job" },
    });
