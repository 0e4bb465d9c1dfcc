import { Elysia } from "elysia";
import type { HttpKit } from "../../http/kit";
import { asOf, recordRoutes } from "../../http/record-routes";
import { IdParams } from "../../http/schema";
import { folderFields } from "./fields";
import { FolderInput, FolderPatch, FolderTree, FolderView, TreeQuery } from "./schema";
import type { FolderService } from "./service";

/** Folders over HTTP. */
export function folderRoutes(kit: HttpKit, folders: FolderService) {
  const routes = recordRoutes("folders", { noun: "folder", view: FolderView, unique: ["name"] });
  return new Elysia({ prefix: "/api/folders", tags: ["Folders"] })
    .use(kit)
    .get("", ({ actor, list }) => folders.list(actor, list), { ...routes.list, list: folderFields })
    .post("", ({ actor, body }) => folders.create(actor, body), {
      ...routes.create,
      body: FolderInput,
      problems: ["name_taken", "too_deep"],
      example: { name: "Contracts 2027" },
    })
    .get(
      "/:id",
      ({ actor, params, parameters }) => folders.get(actor, params.id, asOf(parameters, actor)),
      routes.read,
    )
    .get(
      "/:id/tree",
      ({ actor, params, parameters: { depth } }) =>
        folders.tree(actor, params.id, depth === undefined ? undefined : Number(depth)),
      {
        permission: "folders.read",
        params: IdParams,
        parameters: TreeQuery,
        returns: FolderTree,
        detail: { summary: "A folder with the folders in it" },
      },
    )
    .patch("/:id", ({ actor, params, body, ifMatch }) => folders.change(actor, params.id, body, ifMatch), {
      ...routes.change,
      body: FolderPatch,
      problems: ["name_taken", "too_deep", "folder_in_itself"],
      example: { name: "Contracts 2027 and later" },
    })
    .delete("/:id", ({ actor, params, ifMatch }) => folders.delete(actor, params.id, ifMatch), {
      ...routes.delete,
      problems: ["too_many_in_folder"],
      detail: { summary: "Delete a folder with all that is in it; it can be restored" },
    })
    .post("/:id/restore", ({ actor, params, ifMatch }) => folders.restore(actor, params.id, ifMatch), {
      ...routes.restore,
      problems: ["name_taken", "folder_deleted", "too_many_in_folder"],
      detail: { summary: "Bring a deleted folder back, with what was deleted with it" },
    });
}
